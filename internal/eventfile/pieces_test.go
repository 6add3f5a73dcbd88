package eventfile_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/internal/eventfile"
)

// pieces gives a text away a few bytes at a time, as a pipe may, and up to a
// deadline.
type pieces struct {
	text     string
	size     int
	deadline time.Time
}

var errTooSlow = errors.New("read too slowly")

func (p *pieces) Read(b []byte) (int, error) {
	if p.text == "" {
		return 0, io.EOF
	}
	if !p.deadline.IsZero() && time.Now().After(p.deadline) {
		return 0, errTooSlow
	}
	n := copy(b, p.text[:min(p.size, len(p.text))])
	p.text = p.text[n:]
	return n, nil
}

// TestLongEventInPieces has one event of 8 MiB come in 32,000 pieces. Looking
// through all of it, or copying it, for each of them takes minutes.
func TestLongEventInPieces(t *testing.T) {
	const size = 8 << 20
	for name, in := range map[string]string{
		"JSON":                   strings.Repeat("x", size) + "\n",
		"cell":                   "a\n" + strings.Repeat("x", size) + "\n",
		"quoted cell":            "a\n\"" + strings.Repeat("x", size) + "\"\n",
		"cell of many lines":     "a\n\"" + strings.Repeat("x\n", size/2) + "\"\n",
		"cell of doubled quotes": "a\n\"" + strings.Repeat("\"\"\n", size/3) + "\"\n",
		"many cells":             "a\n\"\n\"" + strings.Repeat(",\"x\n\"", size/5) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			format := eventfile.CSV
			if name == "JSON" {
				format = eventfile.JSONLines
			}
			r := newReader(t, &pieces{in, 256, time.Now().Add(10 * time.Second)}, format, eventfile.Options{})
			var c eventfile.Chunk
			if err := r.Next(&c); err != nil || c.Len() != 1 {
				t.Fatalf("Next gave %d events and %v, want one", c.Len(), err)
			}
			if got, want := len(c.Value(0)), len(in)-1-len("a\n"); got < want {
				t.Errorf("the event has %d bytes, want %d", got, want)
			}
		})
	}
}

// FuzzPieces checks that it does not matter in which pieces a stream comes.
func FuzzPieces(f *testing.F) {
	for _, seed := range []string{
		"{}\n\n[]\r\n1", "a,b\n1,2\n", "a\r\n\"x\"\"y\"\r\n", "a,b\n\"1\n2\",3\r\n4", "a\n\"b\"c\n\"d\n\"\"e\n\"f\n", "\xef\xbb\xbfa\n\"",
		"a,b\n\"\n\",x\"y\n1,2\n", "a,b\n\"x\ny\"\r,1\n\"\"\"\n,\"\",2\n",
	} {
		f.Add(seed, uint8(0))
		f.Add(seed, uint8(2))
	}
	f.Fuzz(func(t *testing.T, in string, more uint8) {
		for _, format := range []eventfile.Format{eventfile.JSONLines, eventfile.CSV} {
			want, wantErr := read(t, newReader(t, strings.NewReader(in), format, eventfile.Options{}))
			got, err := read(t, newReader(t, &pieces{text: in, size: 1 + int(more)}, format, eventfile.Options{}))
			if (err == nil) != (wantErr == nil) || !slices.Equal(got, want) {
				t.Errorf("%s in pieces of %d: got %q and %v, want %q and %v", format, 1+int(more), got, err, want, wantErr)
			}
		}
	})
}
