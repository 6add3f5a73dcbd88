package drift

import (
	"strings"
	"testing"
	"time"
)

// A reference is long enough from eight of the longest window on, those of the
// calendar as they are.
func TestDoubtOfAReference(t *testing.T) {
	hour, day, month := WindowSpec{Name: "1h", Length: time.Hour}, WindowSpec{Name: "1d", Calendar: "1d"}, WindowSpec{Name: "1mo", Calendar: "1mo"}
	lasting := func(d time.Duration) *Reference {
		block := time.Hour.Milliseconds()
		return &Reference{Block: block, Starts: []int64{0, d.Milliseconds() - block}}
	}
	const days = 24 * time.Hour
	for _, tc := range []struct {
		reference *Reference
		windows   []WindowSpec
		want      string
	}{
		{lasting(8 * time.Hour), []WindowSpec{hour}, ""},
		{lasting(7 * time.Hour), []WindowSpec{hour}, "is shorter than eight windows of 1h, "},
		{lasting(8*days - time.Hour), []WindowSpec{hour, day}, ""}, // clocks went forward
		{lasting(7 * days), []WindowSpec{day, hour}, "is shorter than eight windows of 1d, "},
		{lasting(242 * days), []WindowSpec{month}, ""}, // February to September
		{lasting(214 * days), []WindowSpec{hour, month, day}, "is shorter than eight windows of 1mo, "},
		{lasting(time.Hour), nil, ""},
		{&Reference{Starts: []int64{0, 1}}, []WindowSpec{day}, ""}, // rows without a time
		{&Reference{Incomplete: "an event was lost"}, nil, "is incomplete, and gives no alarms: an event was lost"},
	} {
		if got := tc.reference.Doubt(tc.windows); !strings.HasPrefix(got, tc.want) || (got == "") != (tc.want == "") {
			t.Errorf("%+v, %v: got %q, want %q", tc.reference, tc.windows, got, tc.want)
		}
	}
}
