package childproc

import "regexp"

// Tail keeps the end of what is written to it, or what stands around the first
// match of Seal, which long stacks that follow would push out.
type Tail struct {
	Room int            // most bytes that are kept
	Seal *regexp.Regexp // nil: only the end matters
	Kept []byte

	sealed bool
}

// Write never fails.
func (t *Tail) Write(b []byte) (int, error) {
	const after = 256 // bytes kept after the match
	if t.sealed {
		return len(b), nil
	}
	t.Kept = append(t.Kept, b...)
	end := len(t.Kept)
	if t.Seal != nil {
		if match := t.Seal.FindIndex(t.Kept); match != nil {
			end = min(end, match[1]+after)
			t.sealed = end == match[1]+after
		}
	}
	t.Kept = append(t.Kept[:0], t.Kept[max(0, end-t.Room):end]...)
	return len(b), nil
}
