package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/telemetry"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a pipeline that says what a test wants it to.
type fake struct {
	name   string
	checks []telemetry.Check
	status telemetry.Status
	drift  []*drift.Report
}

func (f *fake) Name() string              { return f.name }
func (f *fake) Checks() []telemetry.Check { return f.checks }
func (f *fake) Status() telemetry.Status  { return f.status }
func (f *fake) Drift() []*drift.Report    { return f.drift }

func ready(name string) *fake {
	return &fake{
		name:   name,
		checks: []telemetry.Check{{Name: "model", OK: true}, {Name: "broker", OK: true, Reason: "3 brokers"}},
		status: telemetry.Status{Name: name, State: "running", Ready: true},
	}
}

func waiting(name string) *fake {
	f := ready(name)
	f.checks[1] = telemetry.Check{Name: "broker", Reason: "localhost:9092 does not\nanswer"}
	return f
}

var metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "penstock_events_total 1") })

const local = "127.0.0.1:0"

// start runs a server until the test ends, which must be without an error.
func start(t *testing.T, o Options) *Server {
	t.Helper()
	o.Metrics = metrics
	s := New(o)
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return s
}

// client does not keep connections, so that none outlives its test.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}

type answer struct {
	code   int
	body   string
	header http.Header
}

func ask(t *testing.T, c *http.Client, method, url, key string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	response, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, string(body), response.Header}
}

func get(t *testing.T, url string) answer {
	t.Helper()
	return ask(t, client, "GET", url, "")
}

// identity is a model's, for statuses.
var identity = penstock.ModelIdentity{Name: "fraud", Version: "7", Digest: "sha256:9f2c"}
