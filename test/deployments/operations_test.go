//go:build linux

package deployments

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

const operations = "docs/operations.md"

func TestOperations(t *testing.T) {
	holds(t, queries, []edit{
		{operations, "penstock_lag_events", "penstock_lag", "no metric penstock_lag"},
		{operations, "sum by (pipeline", "sum by pipeline", "parse"},
		{operations, `outcome="aborted"`, `result="aborted"`, "no label result"},
		{operations, "(rate(penstock_event_latency_seconds[", "(rate(penstock_event_latency_second[", "no metric"},
	})
}

func TestReasons(t *testing.T) {
	holds(t, reasons, []edit{
		{operations, "has not answered yet", "has never answered", "has never answered"},
		{operations, "the position is lost", "the position is gone", "the position is gone"},
		{operations, "| `drain: the pipeline", "| `end: the pipeline", "end"},
		{operations, "the embedded NATS is down", "the embedded NATS is gone", "the embedded NATS is gone"},
		{operations, "another process keeps its streams", "another process has its streams", "another process has its streams"},
	})
}

// reasons looks in the code for what the page's tables quote in their first
// column: checks of /readyz, and errors that end a process.
func reasons(root string) (f findings) {
	page, err := os.ReadFile(filepath.Join(root, operations))
	if !f.must(operations, err) {
		return f
	}
	_, tables, _ := strings.Cut(string(page), "### What `/readyz` says")
	tables, _, _ = strings.Cut(tables, "### Else")
	code := sources(&f)
	count := 0
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|").FindAllStringSubmatch(tables, -1) {
		for _, quoted := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			count++
			text := quoted[1]
			for _, check := range []string{"model", "broker", "group", "drain"} {
				text = strings.TrimPrefix(text, check+": ")
			}
			for piece := range strings.SplitSeq(text, "…") {
				if piece = strings.TrimSpace(piece); !strings.Contains(code, piece) {
					f.add("%q is nowhere in the code", piece)
				}
			}
		}
	}
	if count < 40 {
		f.add("%s quotes %d lines", operations, count)
	}
	return f
}

// sources is the text of the packages whose errors users see.
func sources(f *findings) string {
	var all strings.Builder
	for _, dir := range []string{"internal/pipeline", "internal/broker", "internal/embedded", "internal/cli", "consumer"} {
		files, err := filepath.Glob(filepath.Join(repository, dir, "*.go"))
		f.must(dir, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			f.must(file, err)
			all.Write(text)
		}
	}
	return all.String()
}

// queries parses the page's PromQL and looks for each metric and label.
func queries(root string) (f findings) {
	page, err := os.ReadFile(filepath.Join(root, operations))
	if !f.must(operations, err) {
		return f
	}
	known := metricLabels(&f)
	blocks := regexp.MustCompile("(?s)```promql\n(.*?)```").FindAllSubmatch(page, -1)
	count := 0
	for _, block := range blocks {
		for query := range strings.SplitSeq(string(block[1]), "\n\n") {
			count++
			expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
			if !f.must("parse "+query, err) {
				continue
			}
			parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
				if v, ok := node.(*parser.VectorSelector); ok {
					selects(&f, known, v)
				}
				return nil
			})
		}
	}
	if count < 10 {
		f.add("%s has %d queries", operations, count)
	}
	return f
}

// selects complains about a metric or a label that is not there.
func selects(f *findings, known map[string][]string, v *parser.VectorSelector) {
	name := v.Name
	if known[name] == nil { // a histogram's parts
		for _, part := range []string{"_bucket", "_count", "_sum"} {
			name = strings.TrimSuffix(name, part)
		}
	}
	names, ok := known[name]
	if !ok {
		f.add("there is no metric %s", v.Name)
	}
	for _, m := range v.LabelMatchers {
		if m.Name != model.MetricNameLabel && !slices.Contains(names, m.Name) {
			f.add("%s has no label %s", v.Name, m.Name)
		}
	}
}

// metricLabels reads every metric and its labels where they are described, and
// adds those of the process and of Prometheus itself that the page uses.
func metricLabels(f *findings) map[string][]string {
	source, err := os.ReadFile(filepath.Join(repository, "internal/telemetry/names.go"))
	f.must("names", err)
	known := map[string][]string{"up": {"job", "instance"}, "process_resident_memory_bytes": {"job", "instance"}}
	for _, m := range regexp.MustCompile(`desc\("(\w+)", "[^"]*"((?:, "\w+")*)\)`).FindAllSubmatch(source, -1) {
		all := []string{"pipeline", "job", "instance"}
		for label := range strings.SplitSeq(string(m[2]), ",") {
			all = append(all, strings.Trim(label, ` "`))
		}
		known["penstock_"+string(m[1])] = all
	}
	if len(known) < 20 {
		f.add("found %d metrics only", len(known))
	}
	return known
}
