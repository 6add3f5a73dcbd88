package faults

import (
	"slices"
	"testing"
)

// sound is a small run without a fault.
func sound() *oracle {
	prediction := func(score string) (want string, value []byte) {
		return `{"score":` + score + `}`, []byte(`{"id":"src/0/1","event_time":"x","time":"y","score":` + score + `}`)
	}
	o := &oracle{}
	add := func(at place, key string, out int32, score string) {
		want, value := prediction(score)
		o.events = append(o.events, event{at: at, key: []byte(key), headers: "[]", value: []byte("{}"), prediction: want})
		o.outputs = append(o.outputs, output{at: at, key: []byte(key), headers: "[]", partition: out, value: value})
	}
	add(place{0, 0}, "a", 0, "0.25")
	add(place{0, 1}, "b", 1, "0.5")
	add(place{0, 2}, "a", 0, "0.75")
	add(place{1, 0}, "b", 1, "0.125")
	o.events = append(o.events,
		event{at: place{1, 1}, headers: "[]", value: []byte("{"), class: "decode"},
		event{at: place{1, 2}, key: []byte("a")})
	o.outputs = append(o.outputs, output{at: place{1, 1}, dead: true, headers: "[]", class: "decode", value: []byte("{")})
	return o
}

func TestOracleAcceptsWhatIsSound(t *testing.T) {
	v := sound().check()
	if v.violations() != 0 || v.predictions != 4 || v.deadLetters != 1 || v.tombstones != 1 {
		t.Error(v)
	}
}

// TestOracleCatches spoils a sound run in each way that the oracle is there for.
func TestOracleCatches(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*oracle)
		count func(*verdict) int
	}{
		"a lost prediction":        {func(o *oracle) { o.outputs = o.outputs[1:] }, func(v *verdict) int { return v.lost }},
		"a lost dead letter":       {func(o *oracle) { o.outputs = o.outputs[:4] }, func(v *verdict) int { return v.lost }},
		"a doubled prediction":     {func(o *oracle) { o.outputs = append(o.outputs, o.outputs[0]) }, func(v *verdict) int { return v.doubled }},
		"both kinds for one event": {func(o *oracle) { o.outputs = append(o.outputs, output{at: place{0, 0}, dead: true}) }, func(v *verdict) int { return v.doubled }},
		"a changed order":          {func(o *oracle) { o.outputs[0], o.outputs[2] = o.outputs[2], o.outputs[0] }, func(v *verdict) int { return v.disordered }},
		"an output of no event":    {func(o *oracle) { o.outputs[0].at.offset = 99 }, func(v *verdict) int { return v.foreign }},
		"another score":            {func(o *oracle) { o.outputs[0].value = []byte(`{"score":0.26}`) }, func(v *verdict) int { return v.wrong }},
		"another key":              {func(o *oracle) { o.outputs[1].key = []byte("c") }, func(v *verdict) int { return v.wrong }},
		"a key in two partitions":  {func(o *oracle) { o.outputs[2].partition = 1 }, func(v *verdict) int { return v.wrong }},
		"an empty key for none":    {func(o *oracle) { o.outputs[4].key = []byte{} }, func(v *verdict) int { return v.wrong }},
		"a lost header":            {func(o *oracle) { o.events[0].headers = "[{a b}]" }, func(v *verdict) int { return v.wrong }},
		"another class":            {func(o *oracle) { o.outputs[4].class = "type" }, func(v *verdict) int { return v.wrong }},
		"other bytes":              {func(o *oracle) { o.outputs[4].value = []byte("[") }, func(v *verdict) int { return v.wrong }},
		"a scored bad event":       {func(o *oracle) { o.outputs[4].dead = false }, func(v *verdict) int { return v.wrong }},
		"a dead good event":        {func(o *oracle) { o.outputs[0].dead = true }, func(v *verdict) int { return v.wrong }},
		"a predicted tombstone": {func(o *oracle) {
			o.outputs = append(o.outputs, output{at: place{1, 2}, key: []byte("a"), value: []byte("{}")})
		}, func(v *verdict) int { return v.wrong }},
	} {
		t.Run(name, func(t *testing.T) {
			o := sound()
			c.spoil(o)
			v := o.check()
			if c.count(v) == 0 || v.violations() == 0 || len(v.told) == 0 {
				t.Errorf("not caught: %v", v)
			}
		})
	}
}

// TestOracleForgivesRepeats: at least once an event may come twice, late too,
// but not never.
func TestOracleForgivesRepeats(t *testing.T) {
	o := sound()
	o.outputs = slices.Concat(o.outputs, o.outputs)
	if v := o.check(); v.violationsAtLeastOnce() != 0 || v.doubled != 5 || v.disordered != 0 {
		t.Error(v)
	}
	o.outputs = slices.DeleteFunc(o.outputs, func(out output) bool { return out.at == place{0, 1} })
	if v := o.check(); v.violationsAtLeastOnce() != 1 {
		t.Error(v)
	}
}

// TestArrived: what a publisher was told is in the source is there once.
func TestArrived(t *testing.T) {
	if err := arrived([]string{"1", "0", "2"}, 3); err != nil {
		t.Error(err)
	}
	for name, ids := range map[string][]string{
		"lost": {"0", "2"}, "doubled": {"0", "1", "1", "2"}, "one for another": {"0", "1", "3"}, "foreign": {"0", "1", "2", ""},
	} {
		if arrived(ids, 3) == nil {
			t.Errorf("%s: not caught", name)
		}
	}
}
