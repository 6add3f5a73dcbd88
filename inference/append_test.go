package inference

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
	"unicode/utf8"
)

func TestAppendText(t *testing.T) {
	for in, want := range map[string]string{
		"":                         `""`,
		"plain/0/12 <b>&'":         `"plain/0/12 <b>&'"`,
		"a\"b\\c":                  `"a\"b\\c"`,
		"\x00\x1f\n\r\t\b\x7f":     "\"\\u0000\\u001f\\n\\r\\t\\u0008\x7f\"",
		"Grüße, 世界 \U0001F600":     "\"Grüße, 世界 \U0001F600\"",
		"\u2028\uFFFD":             "\"\u2028\uFFFD\"",
		"a\xffb\xc3":               "\"a\uFFFDb\uFFFD\"",
		"\xed\xa0\x80 surrogate":   "\"\uFFFD\uFFFD\uFFFD surrogate\"",
		"\xc0\xaf\"\xe4\xb8 mixed": "\"\uFFFD\uFFFD\\\"\uFFFD\uFFFD mixed\"",
	} {
		if got := string(appendText([]byte("x"), []byte(in))); got != "x"+want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func FuzzAppendText(f *testing.F) {
	f.Add([]byte("a\"\\\x00é\xff\xed\xa0\x80"))
	f.Fuzz(func(t *testing.T, in []byte) {
		out := appendText(nil, in)
		var back string
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatalf("%q gives %s: %v", in, out, err)
		}
		if want := string([]rune(string(in))); back != want || !utf8.Valid(out) {
			t.Errorf("%q gives %s, which reads back as %q", in, out, back)
		}
		if got := string(escapeFrom(append([]byte("id"), in...), 2)); got != "id"+string(out[1:len(out)-1]) {
			t.Errorf("escaped in place: %q, want %q", got, out)
		}
	})
}

// encoding/json is the oracle of the number format.
func TestAppendFloatsLikeEncodingJSON(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	values := []float64{
		0, math.Copysign(0, -1), 1, -1, 0.1, 1e-6, 9.99999e-7, 1e-7, -1e-10, 1e20, 1e21, -1.5e21, 1e22, 1e100,
		math.MaxFloat32, math.SmallestNonzeroFloat32, math.MaxFloat64, math.SmallestNonzeroFloat64, 1 << 53, 16777216,
	}
	for range 20000 {
		values = append(values, math.Float64frombits(random.Uint64()), float64(math.Float32frombits(random.Uint32())),
			random.Float64(), random.NormFloat64()*math.Pow(10, float64(random.IntN(60)-30)))
	}
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		want, _ := json.Marshal(v)
		if got, ok := appendFloat64(nil, v); string(got) != string(want) || !ok {
			t.Errorf("float64 %v: got %s, want %s", v, got, want)
		}
		narrow := float32(v)
		if math.IsInf(float64(narrow), 0) {
			continue
		}
		want, _ = json.Marshal(narrow)
		got, ok := appendFloat32(nil, narrow)
		if string(got) != string(want) || !ok {
			t.Errorf("float32 %v: got %s, want %s", narrow, got, want)
		}
		if back, err := strconv.ParseFloat(string(got), 32); err != nil || float32(back) != narrow {
			t.Errorf("float32 %v is written %s, which reads back as %v", narrow, got, back)
		}
	}
}

func TestNonFiniteIsNull(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if got, ok := appendFloat64(nil, v); string(got) != "null" || ok {
			t.Errorf("float64 %v: got %s, finite %v", v, got, ok)
		}
		if got, ok := appendFloat32(nil, float32(v)); string(got) != "null" || ok {
			t.Errorf("float32 %v: got %s, finite %v", v, got, ok)
		}
	}
}

// All 65536 halves against the definition in IEEE 754, section 3.4.
func TestFloat16ToFloat32(t *testing.T) {
	for bits := range 1 << 16 {
		exponent, fraction := bits>>10&31, float64(bits&1023)
		var want float64
		switch exponent {
		case 0:
			want = math.Ldexp(fraction, -24)
		case 31:
			want = math.Inf(1)
			if fraction != 0 {
				want = math.NaN()
			}
		default:
			want = math.Ldexp(1024+fraction, exponent-25)
		}
		if bits>>15 == 1 {
			want = -want
		}
		got := float16ToFloat32(uint16(bits))
		if math.IsNaN(want) {
			if got == got {
				t.Errorf("%#04x: got %v, want NaN", bits, got)
			}
			continue
		}
		if math.Float32bits(got) != math.Float32bits(float32(want)) {
			t.Errorf("%#04x: got %v, want %v", bits, got, want)
		}
	}
}

func TestAppendTime(t *testing.T) {
	var c clockText
	for _, want := range []string{
		"2026-11-21T09:00:00.123Z",
		"2026-11-21T23:59:59.999Z",
		"2026-11-22T00:00:00.000Z",
		"2026-11-21T09:08:07.000Z", // back a day
		"2026-11-21T09:08:07.000001Z",
		"2026-11-21T09:08:07.120450Z",
		"2026-11-21T09:08:07.000000001Z",
		"2026-11-21T09:08:07.999999999Z",
		"2024-02-29T12:00:00.500Z",
		"1970-01-01T00:00:00.000Z",
		"1969-12-31T23:59:59.999999999Z",
		"1900-03-01T00:00:00.001Z",
		"1678-01-01T00:00:00.000Z",
		"2262-01-01T00:00:00.000Z",
	} {
		at, err := time.Parse(time.RFC3339Nano, want)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(c.appendTime(nil, at.UnixNano())); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestFirstDayOfTheEpochNeedsNoTimeBefore(t *testing.T) {
	var c clockText
	if got := string(c.appendTime(nil, 0)); got != "1970-01-01T00:00:00.000Z" {
		t.Errorf("got %s", got)
	}
}
