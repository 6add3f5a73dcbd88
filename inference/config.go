package inference

import "time"

// Config is the model: part of a pipeline's file.
type Config struct {
	Name    string // default: the file's base name without extension
	Version string // default: the first 12 hex digits of the sha256
	Path    string
	SHA256  string // when set, a file with another digest is refused
	Runtime string // auto (default) or onnxruntime

	IntraOpNumThreads int           // threads inside one run; default 1
	Device            string        // cpu (default), cuda or cuda:N
	Timeout           time.Duration // of one run; default 2s

	Inputs   []Input // in the file's order; inputs not named are mapped by name
	Output   Output
	Examples string // JSON lines file of golden examples, "" when there is none
}

// Input says where one ONNX input takes its values from. It is written as a
// path, a list of columns, {from: …} or {mask_of: …}.
type Input struct {
	Name    string
	Columns []Column // exactly one unless List
	List    bool     // written as a list: one column an entry, even if it has one
	Pad     *Literal // fills a variable-length row on the right; nil: none given
	MaskOf  string   // 1 where that input has a value, else 0; Columns is empty then
}

// Column is one event field with its policy.
type Column struct {
	From    string // path, as written
	Missing Missing
	Coerce  bool // also take "12.5" for a number
	// At is the entry's index within the list it was written in, -1 when it
	// was not in a list; it lets a problem name the place in the file.
	At int
}

// MissingPolicy is what happens when a field is absent or null.
type MissingPolicy uint8

// The policies.
const (
	MissingReject MissingPolicy = iota // the event becomes a dead letter
	MissingNaN                         // NaN, for float inputs
	MissingFill                        // the literal
)

// Missing is a policy and, for MissingFill, the value to fill in.
type Missing struct {
	Policy MissingPolicy
	Fill   Literal
}

// LiteralKind tells how a literal was written.
type LiteralKind uint8

// The kinds.
const (
	NumberLiteral LiteralKind = iota
	TextLiteral
	BoolLiteral
)

// Literal is a value from the config, kept as text so that no digit is lost.
type Literal struct {
	Kind LiteralKind
	Text string // 12.5, .nan, unknown, true
}

// Output picks what a prediction says.
type Output struct {
	Score   string   // output or output[index]; "" = detected
	Label   string   // output; "" = detected
	Include *Include // outputs to copy; nil = detected
	Pass    []string // paths of event fields that are copied as they came
}

// Include lists the outputs to copy under their own names.
type Include struct {
	All   bool
	Names []string
}

// Problem is something wrong with a config, at a place in it.
type Problem struct {
	Path    []string // keys and list indexes from the config's top: model inputs amount from
	Message string   // one line, what is wrong and what is expected
	Hint    string   // a near name or the next step; may be empty
	Warning bool     // true: it runs all the same
}
