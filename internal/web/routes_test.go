package web

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/telemetry"
)

func TestRoutes(t *testing.T) {
	plain := start(t, Options{Mounts: []Mount{{Pipeline: ready("a"), Listen: local, MetricsListen: local}}})
	debug := start(t, Options{Debug: true, Mounts: []Mount{{Pipeline: ready("a"), Listen: local, MetricsListen: local}}})
	everything, scrape := "http://"+plain.Addr().String(), "http://"+plain.MetricsAddr().String()
	debugged, debuggedScrape := "http://"+debug.Addr().String(), "http://"+debug.MetricsAddr().String()
	const nothing, few = `"/x" is not here; there are /livez, /readyz, /metrics, /api/v1/status, /api/v1/drift` + "\n", "there are /livez, /readyz, /metrics\n"
	for _, c := range []struct {
		method, url string
		code        int
		body        string // or what it holds, with ... before
	}{
		{"GET", everything + "/livez", 200, "ok\n"},
		{"HEAD", everything + "/livez", 200, ""},
		{"POST", everything + "/livez", 405, "/livez is only for reading: use GET\n"},
		{"GET", everything + "/readyz", 200, "ok\n"},
		{"GET", everything + "/readyz?verbose", 200, "[+] a: model\n[+] a: broker: 3 brokers\nready\n"},
		{"GET", everything + "/readyz?verbose=false", 200, "ok\n"},
		{"GET", everything + "/readyz?pipeline=a", 200, "ok\n"},
		{"GET", everything + "/readyz?pipeline=b", 404, "there is no pipeline \"b\" here; there are a\n"},
		{"GET", everything + "/metrics", 200, "penstock_events_total 1\n"},
		{"GET", everything + "/api/v1/status", 200, `..."pipelines": [`},
		{"GET", everything + "/api/v1/status?pipeline=b", 404, "...there is no pipeline"},
		{"DELETE", everything + "/api/v1/status", 405, "...use GET"},
		{"GET", everything + "/api/v1/drift", 200, `..."reports": []`},
		{"GET", everything + "/api/v1/drift?pipeline=b", 404, "...there is no pipeline"},
		{"GET", everything + "/x", 404, nothing},
		{"GET", everything + "/livez/", 404, "...not here"},
		{"GET", everything + "/", 404, "...not here"},
		{"GET", everything + "/debug/pprof/", 404, "...not here"},
		{"GET", everything + "/debug/pprof/heap", 404, "...not here"},

		{"GET", scrape + "/livez", 200, "ok\n"},
		{"GET", scrape + "/readyz", 200, "ok\n"},
		{"GET", scrape + "/metrics", 200, "penstock_events_total 1\n"},
		{"GET", scrape + "/api/v1/status", 404, "..." + few},
		{"GET", scrape + "/api/v1/drift", 404, "..." + few},
		{"GET", scrape + "/debug/pprof/", 404, "..." + few},

		{"GET", debugged + "/debug/pprof/", 200, "...goroutine"},
		{"GET", debugged + "/debug/pprof/goroutine?debug=1", 200, "...goroutine profile"},
		{"GET", debugged + "/debug/pprof/cmdline", 200, "..."},
		{"GET", debugged + "/debug/pprof/profile?seconds=1", 200, "..."},
		{"GET", debugged + "/x", 404, ".../api/v1/drift, /debug/pprof/\n"},
		{"GET", debuggedScrape + "/debug/pprof/", 404, "..." + few},
	} {
		t.Run(c.method+" "+c.url[strings.LastIndex(c.url, ":"):], func(t *testing.T) {
			got := ask(t, client, c.method, c.url, "")
			want, part := strings.CutPrefix(c.body, "...")
			if got.code != c.code || got.body != want && (!part || !strings.Contains(got.body, want)) {
				t.Errorf("%d %q, not %d %q", got.code, got.body, c.code, c.body)
			}
			if got.header.Get("Cache-Control") != "no-store" || got.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("headers are %v", got.header)
			}
			if allow := got.header.Get("Allow"); (allow == "GET, HEAD") != (c.code == 405) {
				t.Errorf("Allow is %q", allow)
			}
		})
	}
}

func TestReadyOnlyWhenAllAre(t *testing.T) {
	b := waiting("b")
	b.checks = append(b.checks, telemetry.Check{Name: "drain", Reason: "it is stopping"})
	s := start(t, Options{Mounts: []Mount{{Pipeline: ready("a"), Listen: local}, {Pipeline: b, Listen: local}}})
	base := "http://" + s.Addr().String()
	for path, want := range map[string]answer{
		"/livez":             {code: 200, body: "ok\n"},
		"/readyz":            {code: 503, body: "b: broker: localhost:9092 does not answer\nb: drain: it is stopping\n"},
		"/readyz?pipeline=a": {code: 200, body: "ok\n"},
		"/readyz?pipeline=b": {code: 503, body: "b: broker: localhost:9092 does not answer\nb: drain: it is stopping\n"},
		"/readyz?verbose": {code: 503, body: "[+] a: model\n[+] a: broker: 3 brokers\n[+] b: model\n" +
			"[-] b: broker: localhost:9092 does not answer\n[-] b: drain: it is stopping\nnot ready\n"},
		"/readyz?pipeline=a&verbose": {code: 200, body: "[+] a: model\n[+] a: broker: 3 brokers\nready\n"},
		"/readyz?pipeline=c":         {code: 404, body: "there is no pipeline \"c\" here; there are a, b\n"},
	} {
		if got := get(t, base+path); got.code != want.code || got.body != want.body {
			t.Errorf("%s: %d %q, not %d %q", path, got.code, got.body, want.code, want.body)
		}
	}
}

const fullStatus = `{
  "version": "1.2.3",
  "started": "2026-11-21T09:00:00Z",
  "pipelines": [
    {
      "name": "card-fraud",
      "instance": "pod-0",
      "state": "running",
      "ready": true,
      "checks": [
        {
          "name": "broker",
          "ok": false,
          "reason": "away"
        }
      ],
      "model": {
        "name": "fraud",
        "version": "7",
        "digest": "sha256:9f2c",
        "loaded_at": "2026-11-21T09:00:01Z"
      },
      "variant": "champion",
      "plan": 1,
      "delivery": "exactly_once",
      "workers": [
        {
          "name": "card-fraud-pod-0-0",
          "state": "polling"
        }
      ],
      "partitions": [
        {
          "topic": "transactions",
          "partition": 3,
          "position": 1234,
          "lag": 0
        },
        {
          "topic": "transactions",
          "partition": 4,
          "position": 0
        }
      ],
      "totals": {
        "predicted": 10,
        "dead_lettered": 1,
        "skipped": 0,
        "dead_letters": {
          "decode": 1
        },
        "committed": 2,
        "aborted": 0,
        "latency_p50_ms": 7,
        "latency_p99_ms": 11
      }
    }
  ]
}
`

func TestStatus(t *testing.T) {
	started := time.Date(2026, 11, 21, 10, 0, 0, 0, time.FixedZone("", 3600))
	pipeline := ready("card-fraud")
	pipeline.status = telemetry.Status{
		Name: "card-fraud", Instance: "pod-0", State: "running", Ready: true,
		Checks:   []telemetry.Check{{Name: "broker", Reason: "away"}},
		Model:    telemetry.ModelStatus{Name: identity.Name, Version: identity.Version, Digest: identity.Digest, LoadedAt: started.Add(time.Second).UTC()},
		Variant:  "champion",
		Plan:     1,
		Delivery: "exactly_once",
		Workers:  []telemetry.WorkerStatus{{Name: "card-fraud-pod-0-0", State: "polling"}},
		Partitions: []telemetry.PartitionStatus{
			{Topic: "transactions", Partition: 3, Position: 1234, Lag: new(int64(0))},
			{Topic: "transactions", Partition: 4},
		},
		Totals: telemetry.Totals{
			Predicted: 10, DeadLettered: 1, DeadLetters: map[penstock.ErrorClass]int64{penstock.ClassDecode: 1},
			Committed: 2, LatencyP50Millis: 7, LatencyP99Millis: 11,
		},
	}
	s := start(t, Options{Version: "1.2.3", Started: started, Mounts: []Mount{{Pipeline: pipeline, Listen: local}, {Pipeline: ready("idle"), Listen: local}}})
	got := get(t, "http://"+s.Addr().String()+"/api/v1/status?pipeline=card-fraud")
	if got.code != http.StatusOK || got.header.Get("Content-Type") != "application/json" || got.body != fullStatus {
		t.Errorf("%d %s\n%s", got.code, got.header.Get("Content-Type"), got.body)
	}
	all := get(t, "http://"+s.Addr().String()+"/api/v1/status")
	var parsed processStatus
	if err := json.Unmarshal([]byte(all.body), &parsed); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range parsed.Pipelines {
		names = append(names, p.Name)
	}
	if !slices.Equal(names, []string{"card-fraud", "idle"}) {
		t.Errorf("pipelines are %v", names)
	}
	for _, key := range []string{"checks", "workers", "partitions"} {
		if !strings.Contains(all.body, `"`+key+`": []`) {
			t.Errorf("the idle pipeline's %s are no empty list: %s", key, all.body)
		}
	}
}
