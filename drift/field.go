package drift

import "fmt"

// Kind is how the values of a field are counted.
type Kind uint8

// The kinds of fields.
const (
	Numeric     Kind = iota // in a log-linear histogram
	Categorical             // by name
	Embedding               // a vector: counted by the numeric and categorical fields that Expand derives
)

var kinds = [...]string{Numeric: "numeric", Categorical: "categorical", Embedding: "embedding"}

func (k Kind) String() string { return kinds[k] }

// MarshalText gives the kind as reports and references spell it.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText gives.
func (k *Kind) UnmarshalText(text []byte) error {
	for i, name := range kinds {
		if name == string(text) {
			*k = Kind(i)
			return nil
		}
	}
	return fmt.Errorf("kind %q is not one of %q", text, kinds)
}

// Role is what a field is to the model.
type Role uint8

// The roles of fields.
const (
	Input   Role = iota // what the model was given
	Output              // a label or another output
	Score               // the headline score
	Watched             // a field of the event that the model does not use
)

var roles = [...]string{Input: "input", Output: "output", Score: "score", Watched: "watched"}

func (r Role) String() string { return roles[r] }

// MarshalText gives the role as reports and references spell it.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText gives.
func (r *Role) UnmarshalText(text []byte) error {
	for i, name := range roles {
		if name == string(text) {
			*r = Role(i)
			return nil
		}
	}
	return fmt.Errorf("role %q is not one of %q", text, roles)
}

// Field is one thing that is watched.
type Field struct {
	Name string `json:"name"`
	Role Role   `json:"role"`
	Kind Kind   `json:"kind"`
	// Top is how many categories are counted by name.
	Top int `json:"top,omitempty"`
	// Width is the length of an embedding.
	Width int `json:"width,omitempty"`
}
