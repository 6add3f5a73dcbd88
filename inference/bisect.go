package inference

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/penstock/penstock"
)

// A run that fails says nothing about which row did it, so the rows are halved
// until the guilty one is alone; the others are predicted in the runs that
// succeed on the way, and order is kept. k culprits among n rows cost at most
// about 2k·log2(n) runs.
//
// Time is bounded too. A culprit that hangs is met again in every slice that
// holds it, and at a full timeout each that would be 9 timeouts in a batch of
// 256. Therefore, once a run over n rows was cut at the timeout T, a slice of
// m of these rows gets T/2·(m-1)/(n-1), and a row alone T/2. The slices that
// hold one culprit have at most half the rows beyond the first, each time, so
// together they get less than T/2: with the first run and the last at most 2T.
// The price:
//   - A batch that is slow as a whole, without a culprit, times out on the way
//     down as well, but its rows come through alone, where each has far more
//     than its share of T.
//   - A row that needs between T/2 and T by itself is predicted when it is
//     alone in its batch, and may be turned away among others. The timeout is
//     a fence against hanging, to be set well above what a run takes.
//   - A fixed batch size takes as long for one row as for all. There, too, the
//     small slices may be cut short, and a row alone has T/2.
//
// A run that failed in another way cost no timeout, and what follows keeps T.

// predict predicts rows lo..hi-1, halving them when a run fails. cut is the
// number of rows of the run that was cut at the timeout and held these rows; 0
// when none was.
func (s *Scorer) predict(b *Batch, lo, hi, cut int) error {
	rows := hi - lo
	err := s.run(b, lo, hi, s.limit(rows, cut))
	if err == nil {
		return nil
	}
	if rows == 1 {
		return s.blame(lo, err)
	}
	if cut == 0 && errors.Is(err, ErrTimeout) {
		cut = rows
	}
	middle := lo + rows/2
	if err := s.predict(b, lo, middle, cut); err != nil {
		return err
	}
	return s.predict(b, middle, hi, cut)
}

// limit is the time that a run of so many rows gets.
func (s *Scorer) limit(rows, cut int) time.Duration {
	switch {
	case cut == 0:
		return s.timeout
	case rows == 1:
		return max(s.timeout/2, 1)
	default: // never 0, which would be no limit
		return max(s.timeout/2*time.Duration(rows-1)/time.Duration(cut-1), 1)
	}
}

// rejection puts into words why a row was turned away.
func (s *Scorer) rejection(cause error) *penstock.Rejection {
	if errors.Is(cause, ErrTimeout) {
		return &penstock.Rejection{
			Class: penstock.ClassTimeout, Offset: -1,
			Reason: fmt.Sprintf("the model does not answer in time on this event alone (model.timeout is %v)", s.timeout),
		}
	}
	return &penstock.Rejection{Class: penstock.ClassModel, Reason: oneLine(cause.Error()), Offset: -1}
}

// reasonBytes bounds a reason: it travels in a header.
const reasonBytes = 500

// oneLine makes one line of a runtime's message: white space and control
// characters are folded, and a long one is cut at a character's end.
func oneLine(message string) string {
	words := strings.FieldsFunc(message, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
	line := strings.ToValidUTF8(strings.Join(words, " "), "\uFFFD")
	if len(line) <= reasonBytes {
		return line
	}
	end := reasonBytes
	for !utf8.RuneStart(line[end]) {
		end--
	}
	return line[:end] + "…"
}
