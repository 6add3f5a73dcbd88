package nearest

import "testing"

func TestName(t *testing.T) {
	fields := []string{"amount", "customer.age", "customer.tenure_days", "country", "mcc", "b", "Überweisung"}
	for _, c := range []struct {
		got, want string
		near      bool
	}{
		{"amuont", "amount", true},            // a swap is one edit
		{"amont", "amount", true},             // a letter left out
		{"Amount", "amount", true},            // case alone
		{"custmer.age", "customer.age", true}, // within a path
		{"age", "customer.age", true},         // the parent forgotten
		{"county", "country", true},           // a shorter name allows fewer edits
		{"mc", "mcc", true},                   // very short names still allow one
		{"ueberweisung", "Überweisung", true}, // letters, not bytes, are counted
		{"merchant", "", false},               // nothing near
		{"", "", false},                       // nothing to go by
		{"mcc", "", false},                    // the name itself is no correction
		{"xyz.tenure_days", "", false},        // too many edits for its length
		{"a", "", false},                      // a single letter, with one as far from it as from any
		{"B", "b", true},                      // but for case
		{"customer.tenure", "customer.tenure_days", true},
	} {
		got, near := Name(c.got, fields)
		if near != c.near || (near && got != c.want) {
			t.Errorf("Name(%q) = %q, %v; want %q, %v", c.got, got, near, c.want, c.near)
		}
	}
}

func TestNameTakesTheNearestThenTheFirst(t *testing.T) {
	if got, _ := Name("total_c", []string{"total_abc", "total_b", "total_d"}); got != "total_b" {
		t.Errorf("got %q, want the first of the nearest, total_b", got)
	}
	if got, _ := Name("amounts", []string{"counts", "amount"}); got != "amount" {
		t.Errorf("got %q, want amount, which is nearer", got)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "", 3},
		{"abc", "abc", 0},
		{"abc", "acb", 1},
		{"abcd", "badc", 2},
		{"kitten", "sitting", 3},
		{"ca", "abc", 3},
	} {
		if got := distance([]rune(c.a), []rune(c.b)); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestHint(t *testing.T) {
	fields := []string{"amount", "customer.age"}
	if got, want := Hint("age", fields, "or this"), `did you mean "customer.age"?`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := Hint("merchant", fields, "or this"); got != "or this" {
		t.Errorf("got %s, want what is said otherwise", got)
	}
}
