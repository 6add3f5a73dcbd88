package inference

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"unsafe"
)

// readNumber decodes a number, surrounded by what a JSON document would have,
// to an element of a type, and gives the element's bits.
func readNumber(t *testing.T, typ ElementType, text, behind string) (bits uint64, why string) {
	t.Helper()
	in := plannedInput{info: TensorInfo{Name: "x", Type: typ}, width: 1, maskOf: -1}
	b := &Batch{plan: &Plan{inputs: []plannedInput{in}}}
	var s store
	s.init(&b.plan.inputs[0], 1)
	end, why := b.number([]byte(text+behind), 0, &s, 0)
	if end != len(text) {
		t.Fatalf("%q before %q: ended at %d (%v)", text, behind, end, b.fault)
	}
	switch typ.Size() {
	case 1:
		return uint64(*(*uint8)(s.at(0))), why
	case 2:
		return uint64(*(*uint16)(s.at(0))), why
	case 4:
		return uint64(*(*uint32)(s.at(0))), why
	}
	return *(*uint64)(s.at(0)), why
}

// behinds are what may follow a number: with few bytes left it is read
// otherwise than with many.
var behinds = func() []string {
	texts := []string{", \"key\": 1}", "\n        }"}
	for n := 1; n < 10; n++ {
		texts = append(texts, strings.Repeat("]", n))
	}
	return texts
}()

var numbers = []string{
	"0", "-0", "1", "-1", "9", "10", "1234567", "12345678", "123456789", "0.5", "-0.5", "0.000001", "0.0000001", "123.456", "1234.567", "12345.67", "1.2345678",
	"0.1", "0.2", "0.3", "1e0", "1E5", "1e-5", "1.5e+3", "0e0", "0.0e-0", "9007199254740991", "9007199254740992", "9007199254740993", "9007199254740995", "-9007199254740993",
	"18014398509481985", "18446744073709551615", "18446744073709551616", "123456789012345678901234567890", "99999999999999999999", "1234567890123456789012",
	"123456789012.12345678901234567890", "9999.99999999999999999999", "100000000000.00000000", "12345678901234567890", "10000000000000000000000", "1.00000000000000000000000000",
	"1e22", "1e23", "123e22", "9007199254740993e22", "1e-22", "1e-23", "3e-23", "4.35e-22", "17976931348623157e292", "1.7976931348623159e308", "5e-324", "2.4703282292062327e-324", "2.5e-324", "1e-400",
	"2.2250738585072011e-308", "0.000000000000000000000000000000000000001", "0e400", "0e-400", "0.1e400", "-1e309", "1e400", "1e999999999999999999999", "1e-999999999999999999999",
	"65504", "65519", "65519.99999", "65520", "3.4028235e38", "3.4028235677973366e38", "1e39", "1.401298464324817e-45", "7e-46",
	strings.Repeat("1", 400), "0." + strings.Repeat("0", 400) + "1", strings.Repeat("9", 30) + "e-10", "1" + strings.Repeat("0", 50) + "e-50",
	// Longer than the exponents that strconv takes.
	"1" + strings.Repeat("0", 20000) + "e-20000", "-0." + strings.Repeat("0", 20000) + "123456789012345678901e20000", strings.Repeat("12345678", 2000) + "E-15999",
	"1" + strings.Repeat("0", 20000) + "e-20400", "1" + strings.Repeat("0", 20000), "-0." + strings.Repeat("0", 20000) + "1", "-0." + strings.Repeat("0", 20000) + "e20001",
	"1" + strings.Repeat("0", 20000) + ".5e-19999", "0." + strings.Repeat("0", 20000) + "1e20002", strings.Repeat("9", 9000) + "e-99999999999999999999", strings.Repeat("9", 9000) + "e99999999999999999999",
	// Halfway between two float64, with the longest of digits, and a little off.
	halfway + strings.Repeat("0", 9000) + "e-1074", halfway + strings.Repeat("0", 9000) + "1e-1074", halfway[:len(halfway)-1] + "4" + strings.Repeat("9", 9000) + "e-1074",
}

// halfway × 10^-1074 is (2^53-3) × 2^-1075, in all of its 768 digits: the middle
// between the two largest subnormal float64, of which the lower one is even.
var halfway = func() string {
	five := new(big.Int).Exp(big.NewInt(5), big.NewInt(1075), nil)
	digits := five.Mul(five, big.NewInt(1<<53-3)).String()
	return digits[:len(digits)-1] + "." + digits[len(digits)-1:]
}()

func TestNumbersAreRoundedAsStrconvDoes(t *testing.T) {
	for _, text := range numbers {
		checkFloat(t, text)
	}
}

func checkFloat(t *testing.T, text string) {
	t.Helper()
	want, ok := oracleFloat(text)
	for _, behind := range behinds {
		for _, typ := range []ElementType{Float64, Float32, Float16} {
			bits, why := readNumber(t, typ, text, behind)
			switch {
			case !ok:
				if !strings.HasSuffix(why, "too large") {
					t.Errorf("%s as %s: %q, want a rejection", text, typ, why)
				}
			case why != "":
				t.Errorf("%s as %s: %s", text, typ, why)
			case fmt.Sprint(bits) != oracleBits(typ, want):
				t.Errorf("%s before %q as %s: bits %d, want %s", text, behind, typ, bits, oracleBits(typ, want))
			}
		}
	}
}

func TestIntegersAreExact(t *testing.T) {
	for _, text := range numbers {
		checkInteger(t, text)
	}
	for _, limits := range []string{
		"127 128 -128 -129 255 256", "32767 32768 -32768 -32769 65535 65536", "2147483647 2147483648 -2147483648 -2147483649 4294967295 4294967296",
		"9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 18446744073709551615 18446744073709551616",
		"1.0 1.50e1 1e3 1.5 15e-1 150e-1 -1.0 -0.0 0.10e1 1844674407370955161.5e1 184467440737095516150e-1 184467440737095516151e-1 18446744073709551615.00000000000000000001 1000000000000000000000e-2 9999.9999999900000000e8",
	} {
		for text := range strings.FieldsSeq(limits) {
			checkInteger(t, text)
		}
	}
}

func checkInteger(t *testing.T, text string) {
	t.Helper()
	for typ := Int8; typ <= Uint64; typ++ {
		want, ok := oracleInteger(text, typ)
		for _, behind := range behinds {
			bits, why := readNumber(t, typ, text, behind)
			if (why == "") != ok {
				t.Errorf("%s as %s: %q, want fitting %v", text, typ, why, ok)
			} else if ok && fmt.Sprint(bits) != oracleUnsigned(typ, want) {
				t.Errorf("%s as %s: bits %d, want %v", text, typ, bits, want)
			}
		}
	}
}

// oracleUnsigned is an integer in two's complement of the type's width.
func oracleUnsigned(typ ElementType, v any) string {
	n, _ := strconv.ParseInt(oracleBits(typ, v), 10, 64)
	if typ > Int64 {
		return oracleBits(typ, v)
	}
	return fmt.Sprint(uint64(n) << (64 - 8*typ.Size()) >> (64 - 8*typ.Size()))
}

func TestIntegerReasons(t *testing.T) {
	for text, want := range map[string]string{
		"1.5": "1.5 is no integer", "256": "256 is out of range", "-1": "-1 is out of range", "1e20": "1e20 is out of range",
		"12345678901234567890123456789012345": "12345678901234567890123456789012… is out of range",
	} {
		if _, why := readNumber(t, Uint8, text, "}"); why != want {
			t.Errorf("%s: %q, want %q", text, why, want)
		}
	}
}

func TestHalf(t *testing.T) {
	for bits := range 1 << 15 { // every binary16 that is not negative
		f := float64(0)
		switch {
		case bits < 0x7c00:
			f = halves[bits]
		case bits == 0x7c00:
			f = math.Inf(1)
		default:
			continue
		}
		if got := half(f); got != uint16(bits) {
			t.Fatalf("half(%g) = %#04x, want %#04x", f, got, bits)
		}
	}
	for i, low := range halves[:len(halves)-1] {
		middle := (low + halves[i+1]) / 2
		for _, f := range []float64{math.Nextafter(middle, 0), middle, math.Nextafter(middle, 1e9)} {
			if half(f) != slowHalf(f) || half(-f) != slowHalf(-f) {
				t.Fatalf("half(±%g) = %#04x and %#04x, want %#04x and %#04x", f, half(f), half(-f), slowHalf(f), slowHalf(-f))
			}
		}
	}
	for f, want := range map[float64]uint16{math.Inf(-1): 0xfc00, 1e300: 0x7c00, -65520: 0xfc00, 65519.999: 0x7bff, 5e-324: 0, -1e-300: 0x8000} {
		if got := half(f); got != want {
			t.Errorf("half(%g) = %#04x, want %#04x", f, got, want)
		}
	}
	if got := half(math.NaN()); got&0x7c00 != 0x7c00 || got&0x3ff == 0 {
		t.Errorf("half(NaN) = %#04x", got)
	}
	// By way of float32 this would round up to the next one.
	if got := half(1 + 0x1p-11 + 0x1p-40); got != 0x3c01 {
		t.Errorf("rounded twice: %#04x", got)
	}
}

func TestWriteNumberPutsTruthInEveryType(t *testing.T) {
	for typ := Float16; typ <= Bool; typ++ {
		in := plannedInput{info: TensorInfo{Type: typ}, width: 2, maskOf: -1}
		var s store
		s.init(&in, 1)
		storeBool(&s, 0, false)
		storeBool(&s, 1, true)
		got := unsafe.Slice((*byte)(s.at(0)), 2*typ.Size())
		tensor := &Tensor{Type: typ, Shape: []int64{2}, Data: got}
		want := []string{"0", oracleBits(typ, 1.0)}
		if !typ.Float() {
			want[1] = "1"
		}
		if bits := tensorBits(tensor); bits[0] != want[0] || bits[1] != want[1] {
			t.Errorf("%s: %v, want %v", typ, bits, want)
		}
	}
}

func TestScanDecimalSaysWhereANumberBreaksOff(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "-": 1, "x": 0, "01": 1, "-01": 2, "00": 1, "1.": 2, "1.x": 2, "1e": 2, "1e+": 3, "1e-x": 3, "1E": 2, ".5": 0, "-.5": 1, "+1": 0, "00000000000": 1,
	} {
		if _, end, ok := scanDecimal([]byte(text), 0); ok || end != want {
			t.Errorf("%q: ok %v, end %d; want it to break off at %d", text, ok, end, want)
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, text := range numbers {
		f.Add(text)
	}
	for _, text := range []string{"01", "1.", "-", "1e", "+1", " 1", "1 ", "0x1", "1_0", "Inf", "1e5e5"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, end, ok := scanDecimal([]byte(text), 0)
		isNumber := json.Valid([]byte(text)) && strings.TrimSpace(text) == text && text != "" && (text[0] == '-' || text[0]-'0' <= 9)
		if (ok && end == len(text)) != isNumber {
			t.Fatalf("%q: ok %v, end %d, want a number: %v", text, ok, end, isNumber)
		}
		if !isNumber {
			if _, end := shortNumber([]byte(text+"        "), 0); end == len(text) && text != "" {
				t.Fatalf("%q was read as a number", text)
			}
			return
		}
		checkFloat(t, text)
		checkInteger(t, text)
	})
}
