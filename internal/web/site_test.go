package web

import (
	"net"
	"slices"
	"strings"
	"testing"
)

func TestWhoShares(t *testing.T) {
	secure := Mount{File: "a.yaml", Pipeline: ready("a"), Listen: ":1", Cert: "c", Key: "k", KeysFile: "f"}
	with := func(change func(*Mount)) Mount {
		m := secure
		m.File, m.Pipeline = "b.yaml", ready("b")
		change(&m)
		return m
	}
	for name, c := range map[string]struct {
		second Mount
		sites  []string // address and pipelines
		err    string
	}{
		"the same":            {with(func(*Mount) {}), []string{":1 a b"}, ""},
		"another address":     {with(func(m *Mount) { m.Listen = ":2"; m.Cert = "other" }), []string{":1 a", ":2 b"}, ""},
		"one for metrics":     {with(func(m *Mount) { m.MetricsListen = ":2" }), []string{":1 a b", ":2 b"}, ""},
		"only for metrics":    {with(func(m *Mount) { m.Listen = ""; m.MetricsListen = ":2" }), []string{":1 a", ":2 b"}, ""},
		"nowhere":             {with(func(m *Mount) { m.Listen = "" }), []string{":1 a"}, ""},
		"another certificate": {with(func(m *Mount) { m.Cert = "other" }), nil, "listen :1 is shared by a.yaml and b.yaml, so both must have the same http.tls and http.keys_file"},
		"another key":         {with(func(m *Mount) { m.Key = "other" }), nil, "a.yaml and b.yaml"},
		"other keys":          {with(func(m *Mount) { m.KeysFile = "" }), nil, "a.yaml and b.yaml"},
		"everything and not":  {with(func(m *Mount) { m.Listen = ":2"; m.MetricsListen = ":1" }), nil, ":1 is listen in one place and metrics_listen in another (a.yaml and b.yaml)"},
		"the same name":       {with(func(m *Mount) { m.Pipeline = ready("a") }), nil, "listen :1 is shared by two pipelines named a (a.yaml and b.yaml)"},
	} {
		t.Run(name, func(t *testing.T) {
			sites, err := plan([]Mount{secure, c.second})
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error is %v, not %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range sites {
				names := []string{s.address}
				for _, m := range s.mounts {
					names = append(names, m.Pipeline.Name())
				}
				got = append(got, strings.Join(names, " "))
			}
			if !slices.Equal(got, c.sites) {
				t.Errorf("got %v, not %v", got, c.sites)
			}
		})
	}
}

func TestMetricsListenersAreShared(t *testing.T) {
	s := start(t, Options{Mounts: []Mount{
		{Pipeline: ready("a"), MetricsListen: local, Cert: "only listen needs it"},
		{Pipeline: waiting("b"), MetricsListen: local},
	}})
	if got := get(t, "http://"+s.MetricsAddr().String()+"/readyz"); got.code != 503 || !strings.HasPrefix(got.body, "b: broker: ") {
		t.Errorf("%d %q", got.code, got.body)
	}
	if s.Addr() != nil || len(s.URLs()) != 1 {
		t.Errorf("there is more: %v %v", s.Addr(), s.URLs())
	}
}

// taken is an address in use.
func taken(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", local)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func TestPortInUse(t *testing.T) {
	address := taken(t)
	for key, m := range map[string]Mount{
		"listen":         {Pipeline: ready("a"), Listen: address},
		"metrics_listen": {Pipeline: ready("a"), MetricsListen: address},
	} {
		err := New(Options{Metrics: metrics, Mounts: []Mount{m}}).Listen()
		if want := key + " " + address + ": the port is in use by another process; choose another " + key + `, or "" to turn it off`; err == nil || err.Error() != want {
			t.Errorf("error is %v, not %s", err, want)
		}
	}
}

func TestPortInUseByThisProcess(t *testing.T) {
	free, err := net.Listen("tcp", local)
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	_, port, _ := net.SplitHostPort(address)
	s := New(Options{Metrics: metrics, Mounts: []Mount{
		{File: "a.yaml", Pipeline: ready("a"), Listen: address},
		{File: "b.yaml", Pipeline: ready("b"), Listen: "localhost:" + port},
	}})
	err = s.Listen()
	if want := "listen localhost:" + port + ": the port is in use by this very process, for listen " + address + " (a.yaml)"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error is %v, not %s", err, want)
	}
	// What was opened before is closed again.
	again, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("the first listener is still open: %v", err)
	}
	again.Close()
}

func TestBeyondLoopbackOnlyWhenSecured(t *testing.T) {
	certificate := newCertificate(t, 1)
	keysFile := writeKeys(t, viewerKey, adminKey)
	for name, c := range map[string]struct {
		m  Mount
		ok bool
	}{
		"nothing":      {Mount{Listen: "0.0.0.0:0"}, false},
		"no keys":      {Mount{Listen: ":0", Cert: certificate.cert, Key: certificate.key}, false},
		"no TLS":       {Mount{Listen: ":0", KeysFile: keysFile}, false},
		"both":         {Mount{Listen: ":0", Cert: certificate.cert, Key: certificate.key, KeysFile: keysFile}, true},
		"metrics only": {Mount{MetricsListen: "0.0.0.0:0"}, true},
		"loopback":     {Mount{Listen: "localhost:0"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c.m.Pipeline, c.m.File = ready("a"), "a.yaml"
			s := New(Options{Metrics: metrics, Mounts: []Mount{c.m}})
			defer s.Close()
			err := s.Listen()
			if (err == nil) != c.ok {
				t.Fatalf("error is %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), "(a.yaml) is reachable from other machines: give http.tls (cert and key) and http.keys_file") {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestAnAddressThatIsNotOurs(t *testing.T) {
	err := New(Options{Metrics: metrics, Mounts: []Mount{{Pipeline: ready("a"), Listen: "192.0.2.1:8080"}}}).Listen()
	if err == nil || !strings.HasPrefix(err.Error(), "listen 192.0.2.1:8080: ") {
		t.Errorf("error is %v", err)
	}
}
