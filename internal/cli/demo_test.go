//go:build cgo

package cli_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/internal/cli"
)

// summaryLine is the last word of a demo.
var summaryLine = regexp.MustCompile(`(?m)^([\d,]+) events in [\d.]+m?s: ([\d,]+) predicted, ([\d,]+) dead letters \(.*\); ` +
	`latency p50 \d+ ms, p99 \d+ ms; the first prediction came after ([\d.]+m?s)$`)

// TestDemo interrupts a demo as a user does, once it has told of the drift that
// the events' moving away is, and the HTTP server has shown that it counts. All that was sent must be
// accounted for, and nothing be left behind.
func TestDemo(t *testing.T) {
	for broker, deadLetters := range map[string]string{"nats": "card-fraud.predictions, card-fraud.dead", "kafka": "predictions, transactions.dead"} {
		t.Run(broker, func(t *testing.T) { demonstrate(t, broker, deadLetters) })
	}
}

func demonstrate(t *testing.T, broker, deadLetters string) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	listen := freeAddress(t)
	ctx, interrupt := context.WithTimeout(t.Context(), time.Minute)
	defer interrupt()
	out := &watched{until: "DRIFT: ", then: func() {
		metrics := get(t, "http://"+listen+"/metrics")
		for _, class := range []string{"decode", "missing", "type"} {
			if !strings.Contains(metrics, fmt.Sprintf(`penstock_dead_letters_total{class=%q,pipeline="card-fraud"}`, class)) {
				t.Errorf("the metrics count no dead letters of class %s", class)
			}
		}
		if reports := get(t, "http://"+listen+"/api/v1/drift?window=12s"); !strings.Contains(reports, `"alarm": true`) {
			t.Errorf("the API tells of no alarm: %s", reports)
		}
		interrupt()
	}}
	var stderr strings.Builder
	// As many as it keeps up with under the race detector, which makes each of lz4's
	// buffers dear.
	code := cli.Run(ctx, []string{"demo", "--broker", broker, "--rate", "700", "--drift-after", "1s", "--listen", listen}, cli.Streams{
		Out: out, Err: &stderr, Lookup: os.LookupEnv,
	})
	if code != 0 || stderr.Len() > 0 {
		t.Errorf("exit code %d, stderr %q", code, stderr.String())
	}
	text := out.String()
	for _, want := range []string{"http://" + listen + "/readyz", deadLetters, "  SHIFTED  DRIFT: "} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	m := summaryLine.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("there is no summary:\n%s", text)
	}
	sent, predicted, dead := number(t, m[1]), number(t, m[2]), number(t, m[3])
	if sent != predicted+dead || dead == 0 || predicted < 100*dead {
		t.Errorf("%d events were sent, %d predicted and %d dead letters; want one in a thousand, and no other", sent, predicted, dead)
	}
	if first, err := time.ParseDuration(m[4]); err != nil || first <= 0 || first > 10*time.Second { // 3 s on a quiet machine
		t.Errorf("the first prediction came after %s, %v", m[4], err)
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) > 0 {
		t.Errorf("it leaves %v behind, %v", left, err)
	}
}

func TestDemoEndsByItself(t *testing.T) {
	start := time.Now()
	r := run(t, "", "demo", "--duration", "4s", "--rate", "100", "--listen", "").want(t, 0)
	if took := time.Since(start); took < 4*time.Second {
		t.Errorf("it ended after %s", took)
	}
	if !strings.Contains(r.out, " predicted, ") || strings.Contains(r.out, "http://") {
		t.Errorf("it says\n%s", r.out)
	}
}

func TestDemoRefuses(t *testing.T) {
	run(t, "", "demo", "--broker", "pulsar").want(t, 2, "--broker must be one of")
	run(t, "", "demo", "--rate", "0").want(t, 2, "--rate wants more than 0")
	run(t, "", "demo", "--duration=-1s").want(t, 2, "--duration wants a time")
	run(t, "", "demo", "--drift-after=-1s").want(t, 2, "--drift-after wants a time")
	run(t, "", "demo", "--listen", "0.0.0.0:0").want(t, 2, "penstock: --listen: 0.0.0.0:0 is reachable from other machines, and the demo has neither TLS nor keys: listen at 127.0.0.1:8080\n")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if r := run(t, "", "demo", "--listen", taken.Addr().String()).want(t, 1, taken.Addr().String(), "in use by another process"); r.out != "" || strings.Contains(r.err, "canceled") {
		t.Errorf("it says that it runs, or more than why it does not: %s%s", r.out, r.err)
	}
}

// watched is a stdout that tells when a text has come, once.
type watched struct {
	strings.Builder
	until string
	then  func()
}

func (w *watched) Write(p []byte) (int, error) {
	n, err := w.Builder.Write(p)
	if w.then != nil && strings.Contains(w.Builder.String(), w.until) {
		w.then()
		w.then = nil
	}
	return n, err
}

func get(t *testing.T, url string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("%s: %s, %v", url, response.Status, err)
	}
	return string(body)
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.ReplaceAll(text, ",", ""))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
