package config

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzLoad: whatever the file holds, reading it ends soon, places every
// problem within the file, and gives an effective configuration that reads
// back as the same pipeline.
func FuzzLoad(f *testing.F) {
	files, err := os.ReadDir("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file.Name(), ".yaml") || strings.HasSuffix(file.Name(), ".json") {
			text, err := os.ReadFile("testdata/" + file.Name())
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text, "model.timeout=1s")
		}
	}
	f.Add([]byte("model: {path: m}"), "model.inputs['a.b'][0]={from: [x]}")
	f.Add([]byte(`{"model": {"path": "\ud83d\ude00"}}`), "model.output=")
	f.Fuzz(func(t *testing.T, text []byte, set string) {
		if len(text) > 64<<10 {
			return
		}
		o := Options{Purpose: ForModel, Lookup: environment}
		if set != "" {
			o.Set = []string{set}
		}
		var file *File
		var lines []string
		took := time.Hour
		for range 3 { // of which a busy machine may stop one or two
			start := time.Now()
			read("c.yaml", text, Options{Purpose: ForRun, Set: o.Set, Lookup: environment}) // which validates the most
			file = read("c.yaml", text, o)
			lines = file.Render(nil)
			if took = min(took, time.Since(start)); took < time.Second {
				break
			}
		}
		if took >= time.Second {
			t.Errorf("took %s", took)
		}
		if len(lines) > maxShown+1 {
			t.Errorf("%d lines", len(lines))
		}
		for _, l := range lines {
			if strings.ContainsAny(l, "\n\r") || !utf8.ValidString(l) {
				t.Errorf("not one line of text: %q", l)
			}
		}
		rows := bytes.Count(text, []byte("\n")) + bytes.Count(text, []byte("\r")) + bytes.Count(text, []byte("\u2028")) + bytes.Count(text, []byte("\u2029")) + bytes.Count(text, []byte("\u0085")) + 1
		for _, p := range file.problems.list {
			if p.at.set == "" && (p.at.line < 1 || p.at.line > rows || p.at.col < 1 || p.at.col > len(text)+1) {
				t.Errorf("%+v is outside of the file's %d lines", p, rows)
			}
		}
		if file.Failed() {
			return
		}
		again := read("c.yaml", file.Effective(), Options{Purpose: ForModel, Lookup: environment})
		hideSecrets(&file.Pipeline)
		if !reflect.DeepEqual(again.Pipeline, file.Pipeline) {
			t.Errorf("reads back differently: %q\n%s\ngot  %+v\nwant %+v", again.Render(nil), file.Effective(), again.Pipeline, file.Pipeline)
		}
	})
}
