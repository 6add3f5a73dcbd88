package cardevents_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/penstock/penstock/internal/cardevents"
)

// schema is the spec of the stream, which came with the model.
type schema struct {
	Fields []schemaField
}

type schemaField struct {
	Path       string
	Decimals   *int
	NullRate   float64 `json:"null_rate"`
	AbsentRate float64 `json:"absent_rate"`
	Dist       struct {
		Kind                                                         string
		Prefix                                                       string
		Size, Skew, Mu, Sigma, Lambda, Mean, SD, P, Exponent, Weight float64
		Min, Max                                                     *float64
		Values                                                       []any
		Weights                                                      []float64
	}
}

func readSchema(t *testing.T) schema {
	t.Helper()
	text, err := os.ReadFile("../../testdata/models/card_fraud_gbdt/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// quantile gives the number below which a share of u of the field's values
// is; categories count by their place in the list.
func (f *schemaField) quantile(u float64) float64 {
	d := &f.Dist
	var x float64
	switch d.Kind {
	case "pool":
		return math.Floor(d.Size * math.Pow(u, d.Skew))
	case "categorical":
		return step(u, d.Weights)
	case "bernoulli":
		return step(u, []float64{1 - d.P, d.P})
	case "uniform_int":
		return math.Floor(*d.Min + u*(*d.Max-*d.Min+1))
	case "lognormal":
		x = math.Exp(d.Mu + d.Sigma*math.Sqrt2*math.Erfinv(2*u-1))
	case "normal":
		x = d.Mean + d.SD*math.Sqrt2*math.Erfinv(2*u-1)
	case "exponential":
		x = -d.Mean * math.Log1p(-u)
	case "power":
		x = *d.Min + (*d.Max-*d.Min)*math.Pow(u, d.Exponent)
	case "poisson":
		p := math.Exp(-d.Lambda)
		for below := p; below < u; below += p {
			x++
			p *= d.Lambda / x
		}
	default:
		return math.NaN()
	}
	if d.Min != nil {
		x = max(x, *d.Min)
	}
	decimals := 0
	if f.Decimals != nil {
		decimals = *f.Decimals
	}
	scale := math.Pow10(decimals)
	return math.Round(min(x, *d.Max)*scale) / scale
}

// step finds the category that a share of u falls into.
func step(u float64, weights []float64) float64 {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	i := 0
	for ; i < len(weights)-1 && u*total >= weights[i]; i++ {
		u -= weights[i] / total
	}
	return float64(i)
}

// number is a value's place on the axis of quantile.
func (f *schemaField) number(v any) (float64, error) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case string:
		if f.Dist.Kind == "pool" {
			return strconv.ParseFloat(strings.TrimPrefix(v, f.Dist.Prefix), 64)
		}
	case json.Number:
		if f.Dist.Kind != "categorical" {
			return v.Float64()
		}
	}
	if i := slices.IndexFunc(f.Dist.Values, func(w any) bool { return fmt.Sprint(w) == fmt.Sprint(v) }); i >= 0 {
		return float64(i), nil
	}
	return 0, fmt.Errorf("%v is no value of %s", v, f.Path)
}

// drawn are one field's values in n events.
type drawn struct {
	numbers      []float64 // sorted
	null, absent int
}

// draw makes n events and sorts their values by path.
func draw(t *testing.T, s schema, g *cardevents.Generator, n int) map[string]*drawn {
	t.Helper()
	all := map[string]*drawn{}
	for i := range s.Fields {
		all[s.Fields[i].Path] = &drawn{absent: n}
	}
	var scratch []byte
	for i := range n {
		_, scratch = next(g, scratch, i)
		values := flatten(t, scratch)
		at := 0
		for i := range s.Fields {
			f := &s.Fields[i]
			if at == len(values) || values[at].path != f.Path {
				continue // absent, or in the wrong place, which the count tells
			}
			d := all[f.Path]
			d.absent--
			v := values[at].value
			at++
			if v == nil {
				d.null++
				continue
			}
			if f.Dist.Kind == "uuid" || f.Dist.Kind == "timestamp" {
				continue
			}
			x, err := f.number(v)
			if err != nil {
				t.Fatal(err)
			}
			d.numbers = append(d.numbers, x)
		}
		if at != len(values) {
			t.Fatalf("%s is in the wrong place, or not in the schema: %s", values[at].path, scratch)
		}
	}
	for _, d := range all {
		slices.Sort(d.numbers)
	}
	return all
}

type member struct {
	path  string
	value any
}

// flatten lists an event's members in the order in which they are written.
func flatten(t *testing.T, event []byte) []member {
	t.Helper()
	var all []member
	var walk func(d *json.Decoder, prefix string) error
	walk = func(d *json.Decoder, prefix string) error {
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return err
			}
			value, err := d.Token()
			if err != nil {
				return err
			}
			if value == json.Delim('{') {
				if err := walk(d, prefix+key.(string)+"."); err != nil {
					return err
				}
				continue
			}
			all = append(all, member{prefix + key.(string), value})
		}
		_, err := d.Token()
		return err
	}
	d := json.NewDecoder(bytes.NewReader(event))
	d.UseNumber()
	_, err := d.Token()
	if err == nil {
		err = walk(d, "")
	}
	if _, end := d.Token(); err != nil || !errors.Is(end, io.EOF) {
		t.Fatalf("%v, %v: %s", err, end, event)
	}
	return all
}

// distance is the largest distance between the cumulative distributions of two
// sorted samples, as in the test of Kolmogorov and Smirnov.
func distance(a, b []float64) float64 {
	most := 0.0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		x := min(a[i], b[j])
		for i < len(a) && a[i] == x {
			i++
		}
		for j < len(b) && b[j] == x {
			j++
		}
		most = max(most, math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))))
	}
	return most
}

// events is enough for a distance of 0.014 to be no accident.
const events = 20_000

func TestEventsFollowTheSchema(t *testing.T) {
	s := readSchema(t)
	got := draw(t, s, cardevents.New(cardevents.Options{Seed: 2}), events)
	for i := range s.Fields {
		f := &s.Fields[i]
		d := got[f.Path]
		if share := float64(d.null) / events; math.Abs(share-f.NullRate) > 0.004 {
			t.Errorf("%s is null in %.4f of the events, want %.4f", f.Path, share, f.NullRate)
		}
		if share := float64(d.absent) / events; math.Abs(share-f.AbsentRate) > 0.004 {
			t.Errorf("%s is absent from %.4f of the events, want %.4f", f.Path, share, f.AbsentRate)
		}
		if f.Dist.Kind == "uuid" || f.Dist.Kind == "timestamp" {
			continue // TestEnvelope
		}
		want := make([]float64, events)
		for i := range want {
			want[i] = f.quantile((float64(i) + 0.5) / events)
		}
		if !slices.IsSorted(want) || math.IsNaN(want[0]) {
			t.Fatalf("the test does not know the distribution %q of %s", f.Dist.Kind, f.Path)
		}
		if far := distance(d.numbers, want); far > 0.014 {
			t.Errorf("%s is %.3f away from its distribution", f.Path, far)
		}
	}
}

func TestShiftMovesWhatFraudMoves(t *testing.T) {
	const events, accident = 8_000, 0.03 // two samples of a distribution are less far apart
	s := readSchema(t)
	g := cardevents.New(cardevents.Options{Seed: 4})
	before := draw(t, s, g, events)
	g.Shift(true)
	during := draw(t, s, g, events)
	g.Shift(false)
	after := draw(t, s, g, events)
	moves := map[string]bool{
		"country": true, "amount": true, "tx_count_1h": true, "distance_home_km": true, "is_3ds": true, "card_present": true,
		"hour": true, "failed_pin_24h": true, "device.age_days": true, "device.ip_risk": true,
	}
	for path, was := range before {
		far := distance(was.numbers, during[path].numbers)
		if moves[path] && far < 0.08 {
			t.Errorf("the shift moves %s by %.3f only", path, far)
		}
		if !moves[path] && far > accident {
			t.Errorf("the shift moves %s by %.3f", path, far)
		}
		if back := distance(was.numbers, after[path].numbers); back > accident {
			t.Errorf("after the shift %s is still off by %.3f", path, back)
		}
	}
}
