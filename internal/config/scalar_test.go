package config

import (
	"reflect"
	"testing"
	"time"
)

// TestScalars reads the text of each type as the decoder does, and writes it
// again. An empty want means that it is refused.
func TestScalars(t *testing.T) {
	tests := []struct {
		typ        reflect.Type
		text, want string
	}{
		{reflect.TypeFor[time.Duration](), "250ms", "250ms"},
		{reflect.TypeFor[time.Duration](), "90m", "1h30m"},
		{reflect.TypeFor[time.Duration](), "60m", "1h"},
		{reflect.TypeFor[time.Duration](), "1m", "1m"},
		{reflect.TypeFor[time.Duration](), "10s", "10s"},
		{reflect.TypeFor[time.Duration](), "1h0m5s", "1h0m5s"},
		{reflect.TypeFor[time.Duration](), "0", "0s"},
		{reflect.TypeFor[time.Duration](), "1d", ""},
		{reflect.TypeFor[time.Duration](), "5", ""},
		{reflect.TypeFor[Bytes](), "50MiB", "50MiB"},
		{reflect.TypeFor[Bytes](), "1024", "1KiB"},
		{reflect.TypeFor[Bytes](), "1000", "1000"},
		{reflect.TypeFor[Bytes](), "1MB", "1000000"},
		{reflect.TypeFor[Bytes](), "2 kB", "2000"},
		{reflect.TypeFor[Bytes](), "1.5KiB", "1536"},
		{reflect.TypeFor[Bytes](), "7B", "7"},
		{reflect.TypeFor[Bytes](), "3T", "2929687500KiB"},
		{reflect.TypeFor[Bytes](), "0", "0"},
		{reflect.TypeFor[Bytes](), "-1", ""},
		{reflect.TypeFor[Bytes](), "1e3", ""},
		{reflect.TypeFor[Bytes](), "10XB", ""},
		{reflect.TypeFor[Bytes](), "99999999TiB", ""},
		{reflect.TypeFor[Bytes](), "1048576TiB", "1048576TiB"}, // 2^60
		{reflect.TypeFor[Bytes](), "1152921504606847232", ""},  // the next that is told from it
		{reflect.TypeFor[Bytes](), "12 B", "12"},
		{reflect.TypeFor[Bytes](), "1.5", ""},
		{reflect.TypeFor[Bytes](), "1.5B", ""},
		{reflect.TypeFor[Bytes](), "1i", ""},
		{reflect.TypeFor[Rate](), "1/month", "1/month"},
		{reflect.TypeFor[Rate](), "0.5/week", "0.5/week"},
		{reflect.TypeFor[Rate](), "0.0000001/week", "0.0000001/week"},
		{reflect.TypeFor[Rate](), "1000000000000000000000000/year", "1000000000000000000000000/year"},
		{reflect.TypeFor[Rate](), "1e-1/month", ""},
		{reflect.TypeFor[Rate](), "+1/month", ""},
		{reflect.TypeFor[Rate](), "1./month", ""},
		{reflect.TypeFor[Rate](), "0/week", ""},
		{reflect.TypeFor[Rate](), "1/s", ""},
		{reflect.TypeFor[Rate](), "1", ""},
		{reflect.TypeFor[Window](), "1h", "1h"},
		{reflect.TypeFor[Window](), "1mo", "1mo"},
		{reflect.TypeFor[Window](), "2d", ""},
		{reflect.TypeFor[Window](), "-1h", ""},
	}
	for _, test := range tests {
		s, ok := scalarOf(test.typ)
		if !ok {
			t.Fatalf("%s is no scalar", test.typ)
		}
		v, err := s.read(test.text, typeOf(test.text))
		got := ""
		if err == nil {
			got = printer{}.value(reflect.ValueOf(v)).Value
		}
		if got != test.want {
			t.Errorf("%s %q gives %q, want %q", test.typ, test.text, got, test.want)
		}
	}
}

func TestTypeOf(t *testing.T) {
	for want, texts := range map[scalarType][]string{
		nullType:  {"", "~", "null", "NULL"},
		boolType:  {"true", "False"},
		intType:   {"0", "-12", "+7", "0x1f", "0o17", "0b11", "1_000", "007"},
		floatType: {"1.", ".5", "-1.5e-3", "1e3", ".nan", "-.inf", "+.INF"},
		textType:  {"yes", "no", "on", "1h", "nan", "inf", "0x", "1e", "2026-11-21", "-", "1.2.3", "0xg"},
	} {
		for _, text := range texts {
			if got := typeOf(text); got != want {
				t.Errorf("%q has type %d, want %d", text, got, want)
			}
		}
	}
}

// TestNumbersOfEveryForm reads whole numbers and fractions in YAML's forms.
func TestNumbersOfEveryForm(t *testing.T) {
	p := load(t, "model: {path: m, intra_op_num_threads: 0x10}\nworkers: 0o17\nbatch: {max_rows: 1_0}\ndead_letter: {max_share: .5}", Options{Purpose: ForModel}).Pipeline
	if p.Model.IntraOpNumThreads != 16 || p.Workers != 15 || p.Batch.MaxRows != 10 || p.DeadLetter.MaxShare != 0.5 {
		t.Errorf("got %+v", p)
	}
	for _, text := range []string{"max_share: .nan", "max_share: .inf"} {
		if f := read("c.yaml", []byte("model: {path: m}\ndead_letter: {"+text+"}"), Options{Purpose: ForModel}); !f.Failed() {
			t.Errorf("%s was taken", text)
		}
	}
	if f := read("c.yaml", []byte("model: {path: m}\nworkers: 99999999999999999999"), Options{Purpose: ForModel}); !f.Failed() {
		t.Error("a number beyond 64 bits was taken")
	}
}
