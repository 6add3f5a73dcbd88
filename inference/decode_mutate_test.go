package inference

import (
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"testing"
)

// jsonToken cuts JSON text into tokens and white space.
var jsonToken = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[-+.0-9eE]+|true|false|null|\s+|.`)

// awkward are tokens that events are made to contain.
var awkward = []string{
	"null", "true", "false", "0", "-0", "1", "-1", "1.0", "1.5", "15e-1", "150e-1", "1e3", "1E+3", "1e-3", "127", "128", "-128", "-129", "255", "256", "65504", "65519.99", "65520",
	"65535", "65536", "2147483647", "2147483648", "-2147483649", "4294967295", "4294967296", "9007199254740993", "9223372036854775807", "9223372036854775808",
	"-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616", "184467440737095516150e-1", "184467440737095516151e-1",
	"0.1", "0.30000000000000004", "12345.678", "123456.7", "1234567.8", "12345678", "1e22", "1e23", "123456789012345678", "5e-324", "2e-324", "1e-400", "1e308", "1e309", "-1e400", "3.5e38",
	"0e999999999999", "1e-99999999999999999999", "5.9604644775390625e-8", "2.98023223876953125e-8", "2.980232238769532e-8", "0.000061035", "6.10e-5", "1.00048828125", "1.00146484375",
	"01", "1.", ".5", "-", "+1", "1e", "1e+", "--1", "1.5.2", "NaN", "Infinity",
	`""`, `"x"`, `"12.5"`, `"1e3"`, `" 1"`, `"1 "`, `"0x1"`, `"01"`, `"1e400"`, `"NaN"`, `"\u0031"`, `"\ud83d\ude00"`, `"\ud800"`, `"\ude00\ud800x"`, `"\ud800\u0041"`, `"tab\t"`, "\"\t\"",
	"\"\xc3\x28\"", "\"\xed\xa0\x80\"", `"ünï 漢字 ≠ ascii"`, `"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\\"`, "\"abcdefg\x7f\"", `"\u00"`, `"\q"`,
	"[]", "{}", "[1]", "[1,2]", "[1,2,3]", "[1,2,3,4]", "[1,2,3,4,5]", "[null]", "[null,null,null]", "[[1,2],[3,4]]", "[[1,2],null]", "[[1,2],[3]]", "[1,[2]]", `["a"]`, `["a","b"]`,
	"[true,false,true]", `{"a":1}`, `{"price":1}`, `[{"price":1}]`, `{"t":"x"}`, `{"x":[{"y":[]}],"x":2}`, ",", ":", "{", "}", "[", "]", " ", "\n\t ", `\`, `"`, "é", "\x00", "/",
}

// TestDecodeMutatedEvents decodes events in which tokens were exchanged, left
// out, doubled and moved, one after the other with the same batch, so that what
// was learned from one stands in the way of the next.
func TestDecodeMutatedEvents(t *testing.T) {
	rounds := 20_000
	if testing.Short() {
		rounds = 2_000
	}
	for _, m := range fuzzMappings() {
		plan, problems := Compile(&m.cfg, m.infos, CompileOptions{})
		if plan == nil {
			t.Fatal(m.name, problems)
		}
		batch := plan.NewBatch(3)
		random := rand.New(rand.NewPCG(1, 2))
		var events [][]string
		for _, e := range m.events {
			events = append(events, jsonToken.FindAllString(e, -1))
		}
		accepted := 0
		for range rounds {
			tokens := append([]string(nil), events[random.IntN(len(events))]...)
			for range random.IntN(4) {
				tokens = mutate(random, tokens)
			}
			var event []byte
			for _, token := range tokens {
				event = append(event, token...)
			}
			if batch.Full() {
				batch.Reset()
			}
			want := oracleDecode(&m.cfg, m.infos, event)
			compare(t, &m, batch, event, &want)
			if want.class == "" {
				accepted++
			}
		}
		if accepted < rounds/10 {
			t.Errorf("%s: only %d of %d events were good: the test tests little", m.name, accepted, rounds)
		}
	}
}

// mutate changes one token or moves one member. Values are exchanged most, for
// they leave the event well-formed.
func mutate(random *rand.Rand, tokens []string) []string {
	at := random.IntN(len(tokens))
	token := awkward[random.IntN(len(awkward))]
	switch random.IntN(10) {
	case 0:
		return append(tokens[:at:at], tokens[at+1:]...)
	case 1:
		return append(tokens[:at:at], append([]string{token}, tokens[at:]...)...)
	case 2:
		return append(tokens[:at:at], append([]string{tokens[at]}, tokens[at:]...)...)
	case 3:
		other := random.IntN(len(tokens))
		tokens[at], tokens[other] = tokens[other], tokens[at]
		return tokens
	case 4: // white space between two tokens
		return append(tokens[:at:at], append([]string{" "}, tokens[at:]...)...)
	}
	for range 20 {
		at = random.IntN(len(tokens))
		if at > 0 && (tokens[at-1] == ":" || tokens[at-1] == "," || tokens[at-1] == "[") && json.Valid([]byte(tokens[at])) && json.Valid([]byte(token)) {
			tokens[at] = token
			break
		}
	}
	return tokens
}
