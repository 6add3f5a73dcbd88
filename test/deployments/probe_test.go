//go:build linux

package deployments

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/telemetry"
	"github.com/penstock/penstock/internal/web"
)

// ready is a pipeline that is, for probes to ask about.
type ready struct{}

func (ready) Name() string              { return "card-fraud" }
func (ready) Checks() []telemetry.Check { return []telemetry.Check{{Name: "broker", OK: true}} }
func (ready) Status() telemetry.Status  { return telemetry.Status{} }
func (ready) Drift() []*drift.Report    { return nil }

// metricsSite serves what a process serves at metrics_listen, until the tests
// end.
var metricsSite = sync.OnceValues(func() (string, error) {
	server := web.New(web.Options{
		Metrics: telemetry.NewRegistry(telemetry.BuildInfo{}).Handler(),
		Mounts:  []web.Mount{{Pipeline: ready{}, MetricsListen: "127.0.0.1:0"}},
	})
	if err := server.Listen(); err != nil {
		return "", err
	}
	go func() { _ = server.Run(context.Background()) }() // its requests fail if it does
	return fmt.Sprintf("http://%s", server.MetricsAddr()), nil
})

// served complains about a path that a probe would not find.
func served(f *findings, path string) {
	site, err := metricsSite()
	if !f.must("serve", err) {
		return
	}
	answer, err := http.Get(site + path)
	if !f.must(path, err) {
		return
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		f.add("GET %s: %s", path, answer.Status)
	}
}
