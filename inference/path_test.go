package inference

import (
	"reflect"
	"strings"
	"testing"
)

func key(k string) step { return step{key: k, index: -1} }
func index(i int) step  { return step{index: i} }
func keys(ks ...string) path {
	var p path
	for _, k := range ks {
		p = append(p, key(k))
	}
	return p
}

func TestParsePath(t *testing.T) {
	for text, want := range map[string]path{
		"amount":                        keys("amount"),
		"customer.age":                  keys("customer", "age"),
		"items[0].price":                {key("items"), index(0), key("price")},
		"m[1][20]":                      {key("m"), index(1), index(20)},
		"['a.b'].c":                     keys("a.b", "c"),
		`a["b c"]`:                      keys("a", "b c"),
		`['it\'s']['\\']`:               keys("it's", `\`),
		"['']":                          keys(""),
		"sepal length (cm)":             keys("sepal length (cm)"),
		"größe.x-y":                     keys("größe", "x-y"),
		`a["]"].b`:                      keys("a", "]", "b"),
		strings.Repeat("a.", 127) + "a": keys(strings.Split(strings.Repeat("a.", 127)+"a", ".")...),
	} {
		got, err := parsePath(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("parsePath(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestParsePathErrorsSayWhere(t *testing.T) {
	for text, want := range map[string]string{
		"":               `path "": a key is wanted at character 1`,
		"a..b":           `path "a..b": a key is wanted at character 3`,
		"a.":             `path "a.": a key is wanted at character 3`,
		".a":             `path ".a": a key is wanted at character 1`,
		"ä[":             `path "ä[": an index counted from 0 or a quoted key is wanted at character 3`,
		"a[-1]":          `path "a[-1]": an index counted from 0 or a quoted key is wanted at character 3`,
		"a[99999999999]": `path "a[99999999999]": an index counted from 0 or a quoted key is wanted at character 3`,
		"a[1":            `path "a[1": "]" is wanted at character 4`,
		"a['b]":          `path "a['b]": a quote that is not closed at character 3`,
		"a['b'":          `path "a['b'": "]" is wanted at character 6`,
		"a[0]b":          `path "a[0]b": "." or "[" is wanted at character 5`,
		"a]b":            `path "a]b": "]" without "[" at character 2`,
		"[0].a":          `path "[0].a": a key is wanted (an event is an object, not an array) at character 1`,
		"a\xff":          `path "a\xff": not valid UTF-8 at character 1`,
	} {
		if _, err := parsePath(text); err == nil || err.Error() != want {
			t.Errorf("parsePath(%q): %v\nwant %s", text, err, want)
		}
	}
	if _, err := parsePath(strings.Repeat("a.", 128) + "a"); err == nil || !strings.Contains(err.Error(), "more than 128 steps") {
		t.Errorf("129 steps: %v", err)
	}
}

func TestPathUnder(t *testing.T) {
	for _, c := range []struct {
		p, q string
		want bool
	}{
		{"a.b", "a", true},
		{"a", "a", true},
		{"a", "a.b", false},
		{"ab", "a", false},
		{"a[0]", "a", true},
		{"a[0].x", "a[1]", false},
	} {
		p, _ := parsePath(c.p)
		q, _ := parsePath(c.q)
		if p.under(q) != c.want {
			t.Errorf("%s under %s: %v", c.p, c.q, !c.want)
		}
	}
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"a", "a.b[0]", "['a.b'].c", `x["\"]"]`, "a..b", "[", "ü[10]", `['\\\'']`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePath(text)
		if err != nil {
			_ = err.Error() // the offset must lie within the text
			return
		}
		again, err := parsePath(p.String())
		if err != nil || !reflect.DeepEqual(p, again) {
			t.Errorf("%q became %q, which reads as %v (%v), not %v", text, p, again, err, p)
		}
	})
}
