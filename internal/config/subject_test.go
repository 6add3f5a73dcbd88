package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestExpandFilter(t *testing.T) {
	tests := []struct {
		filter string
		want   []string
	}{
		{"a.>", []string{"a.>"}},
		{"a.{0..2}.>", []string{"a.0.>", "a.1.>", "a.2.>"}},
		{"s-{9..10}", []string{"s-9", "s-10"}},
		{"{3..3}.x", []string{"3.x"}},
		{"a.{0..1}.b.{5..6}", []string{"a.0.b.5", "a.0.b.6", "a.1.b.5", "a.1.b.6"}},
	}
	for _, test := range tests {
		got, err := expandFilter(test.filter)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s gives %q and %v, want %q", test.filter, got, err, test.want)
		}
	}
	for filter, want := range map[string]error{
		"x.{0..}":                errSubjectRange,
		"x.{..1}":                errSubjectRange,
		"x.{a..b}":               errSubjectRange,
		"x.{2..1}":               errSubjectRange,
		"x.{00..07}":             errSubjectRange,
		"x.{0..1}.{":             errSubjectRange,
		"x.}":                    errSubjectRange,
		"x.{0..480}":             errTooManySubjects,
		"x.{0..999999999}":       errTooManySubjects,
		"{0..31}.{0..31}.{1..2}": errTooManySubjects,
	} {
		if got, err := expandFilter(filter); err != want {
			t.Errorf("%s gives %d subjects and %v, want %v", filter, len(got), err, want)
		}
	}
	for _, filter := range []string{"x.{0..479}", "{0..15}.{0..29}"} {
		if got, err := expandFilter(filter); err != nil || len(got) != maxSubjects {
			t.Errorf("%s gives %d subjects and %v, want %d", filter, len(got), err, maxSubjects)
		}
	}
}

func TestCheckFilter(t *testing.T) {
	for _, filter := range []string{"a", "a.b", "*", ">", "a.*.b", "*.>", "a-1.B_2.$x", "ünï.码"} {
		if err := checkFilter(filter); err != nil {
			t.Errorf("%q: %v", filter, err)
		}
	}
	for _, filter := range []string{"", ".", "a.", ".a", "a..b", "a b", "a.\t", "a\u00a0b", "a\x00", "a.>.b", ">.>", "a*", "a.*b", "a>", "a.>>", "**", strings.Repeat("a", maxFilter+1)} {
		if checkFilter(filter) == nil {
			t.Errorf("%q passes", filter)
		}
	}
}

func TestPublishedFilter(t *testing.T) {
	for template, want := range map[string]string{
		"predictions":                                "predictions",
		"predictions.{{wildcard(1)}}":                "predictions.*",
		"p.{{ wildcard(12) }}.x-{{wildcard(2)}}.end": "p.*.*.end",
	} {
		if got, err := publishedFilter(template); err != nil || got != want {
			t.Errorf("%s gives %q and %v, want %q", template, got, err, want)
		}
	}
	for _, template := range []string{"", "a b", "a..b", "a.*", "a.>", "a.{0..1}", "a.{{wildcard(0)}}", "a.{{wildcard(x)}}", "a.{{wildcard(1)}", "a.{{partition(3,1)}}"} {
		if got, err := publishedFilter(template); err == nil {
			t.Errorf("%q passes as %q", template, got)
		}
	}
}

// TestOverlapAndCovers hold what compares filters to its definition: for every
// two filters of up to three parts it tries every subject.
func TestOverlapAndCovers(t *testing.T) {
	var filters, subjects []string
	var grow func(list *[]string, prefix string, parts []string, more int)
	grow = func(list *[]string, prefix string, parts []string, more int) {
		for _, p := range parts {
			*list = append(*list, prefix+p)
			if more > 1 && p != ">" {
				grow(list, prefix+p+".", parts, more-1)
			}
		}
	}
	grow(&filters, "", []string{"a", "b", "*", ">"}, 3)
	grow(&subjects, "", []string{"a", "b", "c"}, 4)
	passes := make([]string, len(filters)) // one character a subject
	for i, f := range filters {
		pattern := regexp.MustCompile("^" + strings.NewReplacer(".", `\.`, "*", "[a-c]", ">", ".+").Replace(f) + "$")
		for _, s := range subjects {
			passes[i] += fmt.Sprint(map[bool]int{true: 1}[pattern.MatchString(s)])
		}
	}
	for i, f := range filters {
		for j, g := range filters {
			want, covers := false, true
			for k := range subjects {
				want = want || passes[i][k] == '1' && passes[j][k] == '1'
				covers = covers && (passes[i][k] == '1' || passes[j][k] == '0')
			}
			if got := Covers(f, g); got != covers {
				t.Errorf("%s covers %s: %t, want %t", f, g, got, covers)
			}
			if got := overlap(f, g); got != want {
				t.Errorf("%s and %s: %t, want %t", f, g, got, want)
			}
		}
	}
}

func TestCovers(t *testing.T) {
	for _, tt := range []struct {
		outer, inner string
		want         bool
	}{
		{">", "a", true},
		{">", "a.b.>", true},
		{"a.>", "a", false},
		{"a.>", "a.b", true},
		{"a.*", "a.b", true},
		{"a.*", "a.*", true},
		{"a.*", "a.>", false},
		{"a.b", "a.*", false},
		{"a.*", "a.b.c", false},
		{"a.*.c", "a.b", false},
		{"*.b", "a.b", true},
		{"a.b", "a.b", true},
		{"a.b", "a.c", false},
		{"a.>", ">", false},
	} {
		if got := Covers(tt.outer, tt.inner); got != tt.want {
			t.Errorf("%s covers %s: %t", tt.outer, tt.inner, got)
		}
	}
}
