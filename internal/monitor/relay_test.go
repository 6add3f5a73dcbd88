package monitor

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// theirs is the API of GitHub or Airflow as the relay of the examples sees it.
type theirs struct {
	status  int
	path    string
	token   string
	request map[string]any
}

func (a *theirs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.path, a.token = r.URL.Path, r.Header.Get("Authorization")
	a.request = nil
	_ = json.NewDecoder(r.Body).Decode(&a.request)
	w.WriteHeader(a.status)
}

// startRelay runs the relay with settings, and gives its address.
func startRelay(t *testing.T, settings ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	relay := exec.Command("python3", "../../examples/webhook/relay.py")
	relay.Env = append(os.Environ(), append(settings, "LISTEN="+address, "WEBHOOK_SECRET=whsec_a2V5")...)
	said := &strings.Builder{}
	relay.Stderr = said
	if err := relay.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = relay.Process.Kill()
		_ = relay.Wait() // it was killed
	})
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return "http://" + address
		}
		if time.Since(start) > 20*time.Second {
			t.Fatalf("the relay does not listen: %s", said)
		}
	}
}

// post signs an alarm as a webhook does, and gives the relay's answer.
func post(t *testing.T, url, secret, kind string, at time.Time) int {
	t.Helper()
	key, err := signingKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	body := `{"specversion":"1.0","id":"alarm_1","type":"io.penstock.drift.alarm.` + kind + `","data":{"model":"fraud"}}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	sign(r.Header, key, "alarm_1", at, []byte(body))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// The relay of the examples takes what a webhook signs and nothing else, and asks
// GitHub and Airflow for what their APIs' documentation says.
func TestRelay(t *testing.T) {
	api := &theirs{}
	server := httptest.NewServer(api)
	defer server.Close()
	github := startRelay(t, "GITHUB_API_URL="+server.URL, "GITHUB_REPOSITORY=acme/models", "GITHUB_TOKEN=t")
	airflow := startRelay(t, "AIRFLOW_URL="+server.URL+"/api/v2/dags/retrain/dagRuns", "AIRFLOW_TOKEN=t")
	const secret = "whsec_a2V5"
	for _, c := range []struct {
		name         string
		url, secret  string
		kind         string
		age          time.Duration
		status, want int
		path, part   string // what is asked for, and the part of the request that the event is
	}{
		{"github", github, secret, "begin", 0, 204, 204, "/repos/acme/models/dispatches", "client_payload"},
		{"airflow", airflow, secret, "begin", 0, 200, 200, "/api/v2/dags/retrain/dagRuns", "conf"},
		{"airflow has the run already", airflow, secret, "begin", 0, 409, 200, "/api/v2/dags/retrain/dagRuns", "conf"},
		{"github is down", github, secret, "begin", 0, 500, 502, "/repos/acme/models/dispatches", "client_payload"},
		{"an end starts nothing", github, secret, "end", 0, 204, 204, "", ""},
		{"another secret", github, "guessed", "begin", 0, 204, 401, "", ""},
		{"a post of an hour ago", github, secret, "begin", time.Hour, 204, 401, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			*api = theirs{status: c.status}
			if got := post(t, c.url, c.secret, c.kind, time.Now().Add(-c.age)); got != c.want {
				t.Errorf("answered %d, want %d", got, c.want)
			}
			if api.path != c.path {
				t.Fatalf("asked %q, want %q", api.path, c.path)
			}
			if c.path == "" {
				return
			}
			event, _ := api.request[c.part].(map[string]any)
			if api.token != "Bearer t" || event["id"] != "alarm_1" {
				t.Errorf("asked with %q for %v", api.token, api.request)
			}
			// The names that the two APIs want beside the event.
			if api.request["event_type"] != "penstock-drift" && api.request["dag_run_id"] != "alarm_1" {
				t.Errorf("asked for %v", api.request)
			}
		})
	}
}
