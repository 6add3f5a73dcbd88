package inference

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Said is the headline of one prediction record, as it was before it was written.
type Said struct {
	score    float64
	hasScore bool
	label    []byte
}

// ReadRecord reads the headline back from a record that another process wrote by
// the same plan. A score that was not finite is NaN: the record does not say more.
func (p *OutputPlan) ReadRecord(record []byte) (Said, error) {
	var r struct {
		Score, Label json.RawMessage
	}
	if err := json.Unmarshal(record, &r); err != nil {
		return Said{}, fmt.Errorf("read a prediction: %w", err)
	}
	var s Said
	if r.Label != nil {
		s.label = r.Label
		var text string
		if json.Unmarshal(r.Label, &text) == nil {
			s.label = []byte(text)
		}
	}
	if r.Score == nil || !p.HasScore() {
		return s, nil
	}
	s.score, s.hasScore = math.NaN(), true
	if string(r.Score) == "null" {
		return s, nil
	}
	bits := 64
	if t := p.outputs[p.score.output].info.Type; t == Float32 || t == Float16 {
		bits = 32 // as it was written
	}
	var err error
	s.score, err = strconv.ParseFloat(string(r.Score), bits)
	return s, err
}

// Headline is the score.
func (s *Said) Headline(int) (score float64, ok bool) { return s.score, s.hasScore }

// Label is the label.
func (s *Said) Label(int) (label []byte, ok bool) { return s.label, s.label != nil }
