package penstock

import "testing"

func TestRejectionIsOneLine(t *testing.T) {
	for want, r := range map[string]Rejection{
		"a.b: absent":                      {Field: "a.b", Reason: "absent", Offset: -1},
		"invalid UTF-8 (byte 7)":           {Reason: "invalid UTF-8", Offset: 7},
		"\"['a\\nb']\": a string (byte 0)": {Field: "['a\nb']", Reason: "a string"},
	} {
		if got := r.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
