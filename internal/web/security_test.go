package web

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	viewerKey = "viewer's very own key"
	adminKey  = "another one: for admins"
)

// writeKeys writes a file in which the first key views and the others admin.
func writeKeys(t *testing.T, shown ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	write(t, path, keysText(shown...))
	return path
}

func keysText(shown ...string) string {
	var text strings.Builder
	text.WriteString("# who may look\n\n")
	for i, key := range shown {
		role := ":admin"
		if i == 0 {
			role = "" // which is a viewer's
		}
		fmt.Fprintf(&text, "user%d:%x%s\r\n", i, sha256.Sum256([]byte(key)), role)
	}
	return text.String()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

type certificate struct {
	cert, key string // files
	pool      *x509.CertPool
}

// newCertificate signs one for 127.0.0.1 by itself.
func newCertificate(t *testing.T, serial int64) certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: "test"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := certificate{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), pool: x509.NewCertPool()}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	write(t, c.cert, string(text))
	write(t, c.key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))
	c.pool.AppendCertsFromPEM(text)
	return c
}

func (c certificate) client(protocols ...string) *http.Client {
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		ForceAttemptHTTP2: len(protocols) > 0,
		TLSClientConfig:   &tls.Config{RootCAs: c.pool},
	}}
}

func TestKeys(t *testing.T) {
	c := newCertificate(t, 1)
	s := start(t, Options{Debug: true, Mounts: []Mount{{
		Pipeline: ready("a"), Listen: local, MetricsListen: local, Cert: c.cert, Key: c.key, KeysFile: writeKeys(t, viewerKey, adminKey),
	}}})
	const open, view, admin = 0, 1, 2
	base := "https://" + s.Addr().String()
	for path, needs := range map[string]int{
		"/livez": open, "/readyz": open, "/readyz?verbose": open,
		"/metrics": view, "/api/v1/status": view, "/api/v1/drift": view,
		"/debug/pprof/": admin, "/debug/pprof/heap": admin, "/debug/pprof/cmdline": admin,
	} {
		for key, has := range map[string]int{"": open, "a wrong one": open, viewerKey[1:]: open, viewerKey: view, adminKey: admin} {
			got := ask(t, c.client(), "GET", base+path, key)
			want := 200
			if needs > has {
				want = map[int]int{open: 401, view: 403}[has]
			}
			if got.code != want {
				t.Errorf("%s with %q: %d, not %d", path, key, got.code, want)
			}
			switch {
			case got.code == 401 && (got.header.Get("WWW-Authenticate") != `Bearer realm="penstock"` || !strings.Contains(got.body, "Authorization: Bearer KEY")):
				t.Errorf("%s: %q %v", path, got.body, got.header)
			case got.code == 403 && !strings.Contains(got.body, "role admin"):
				t.Errorf("%s: %q", path, got.body)
			}
		}
	}
	// Scrapers and probes find metrics_listen as open as it is.
	if got := get(t, "http://"+s.MetricsAddr().String()+"/metrics"); got.code != 200 {
		t.Errorf("metrics_listen: %d", got.code)
	}
}

func TestOnlyBearer(t *testing.T) {
	s := start(t, Options{Mounts: []Mount{{Pipeline: ready("a"), Listen: local, KeysFile: writeKeys(t, viewerKey)}}})
	for value, want := range map[string]int{
		"Bearer " + viewerKey: 200, "bearer  " + viewerKey: 200,
		"Basic " + viewerKey: 401, viewerKey: 401, "Bearer": 401, "Bearer ": 401,
	} {
		request, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.Addr().String()+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", value)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%q: %d, not %d", value, response.StatusCode, want)
		}
	}
}

func TestTLS(t *testing.T) {
	c := newCertificate(t, 1)
	s := start(t, Options{Mounts: []Mount{{Pipeline: ready("a"), Listen: local, Cert: c.cert, Key: c.key}}})
	address := s.Addr().String()
	if got := s.URLs(); len(got) != 1 || got[0] != "https://"+address {
		t.Errorf("URLs are %v", got)
	}
	if got := ask(t, c.client("h2"), "GET", "https://"+address+"/livez", ""); got.code != 200 || got.body != "ok\n" {
		t.Errorf("%d %q", got.code, got.body)
	}
	if got := get(t, "http://"+address+"/livez"); got.code != 400 {
		t.Errorf("without TLS: %d %q", got.code, got.body)
	}
	for name, config := range map[string]*tls.Config{
		"an unknown authority": {ServerName: "127.0.0.1"},
		"TLS 1.1":              {RootCAs: c.pool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
	} {
		if conn, err := tls.Dial("tcp", address, config); err == nil {
			conn.Close()
			t.Errorf("%s is taken", name)
		}
	}
	conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: c.pool, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if protocol := conn.ConnectionState().NegotiatedProtocol; protocol != "h2" {
		t.Errorf("protocol is %q", protocol)
	}
}

func TestBadFilesOfSecurity(t *testing.T) {
	a, b := newCertificate(t, 1), newCertificate(t, 2)
	for name, c := range map[string]struct {
		m    Mount
		want string
	}{
		"no certificate": {Mount{Cert: "absent.pem", Key: a.key}, "a.yaml: http.tls: open absent.pem: "},
		"no key":         {Mount{Cert: a.cert}, "a.yaml: http.tls: it needs cert and key, or neither"},
		"another's key":  {Mount{Cert: a.cert, Key: b.key}, "a.yaml: http.tls: tls: private key does not match public key"},
		"no keys":        {Mount{KeysFile: "absent"}, "a.yaml: http.keys_file: open absent: "},
	} {
		t.Run(name, func(t *testing.T) {
			c.m.Pipeline, c.m.File, c.m.Listen = ready("a"), "a.yaml", local
			err := New(Options{Metrics: metrics, Mounts: []Mount{c.m}}).Listen()
			if _, ok := errors.AsType[*ConfigError](err); !ok || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("error is %v, not %s", err, c.want)
			}
			if checked := c.m.CheckFiles(); checked == nil || "a.yaml: "+checked.Error() != err.Error() {
				t.Errorf("before it listens the error is %v, and then %v", checked, err)
			}
			if c.m.Listen = ""; c.m.CheckFiles() != nil {
				t.Error("files that nobody uses are refused")
			}
		})
	}
}

func TestFileOfKeys(t *testing.T) {
	const good = "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"
	for name, c := range map[string]struct{ text, want string }{
		"comments":    {"# a\n\n  ops : " + good + " : admin \n", ""},
		"nothing":     {"# a\n", "holds no keys; write lines such as NAME:SHA256"},
		"bare key":    {"secret\n", ":1: a line must be NAME:SHA256 or NAME:SHA256:ROLE"},
		"bare hash":   {"#\n" + good, ":2: a line must be NAME:SHA256"},
		"no name":     {":" + good, ":1: a line must be NAME:SHA256"},
		"short":       {"ops:" + good[1:], ":1: ops needs the SHA-256 of its key, 64 hex digits"},
		"long":        {"ops:" + good + "0", "64 hex digits"},
		"no digits":   {"ops:" + strings.Repeat("x", 64), "64 hex digits"},
		"role":        {"ops:" + good + ":root", ":1: the role of ops must be viewer or admin"},
		"empty role":  {"ops:" + good + ":", "must be viewer or admin"},
		"name twice":  {"ops:" + good + "\nops:" + strings.Repeat("0", 64), ":2: the name ops or its key is there twice"},
		"key twice":   {"ops:" + good + "\ndev:" + good, ":2: the name dev or its key"},
		"a long line": {strings.Repeat("a", 1<<17), "token too long"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys")
			write(t, path, c.text)
			all, err := readKeys(path)
			if c.want == "" {
				if err != nil || len(all) != 1 || all[0].name != "ops" || all[0].role != roleAdmin || all[0].hash[31] != 0xef {
					t.Errorf("%v %+v", err, all)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error is %v, not %s", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error repeats a key: %v", err)
			}
		})
	}
}

// TestChangedFilesAreReadAgain waits as long as users do: see reloadAfter.
func TestChangedFilesAreReadAgain(t *testing.T) {
	t.Parallel()
	first, second := newCertificate(t, 1), newCertificate(t, 2)
	path := writeKeys(t, viewerKey)
	s := start(t, Options{Mounts: []Mount{{Pipeline: ready("a"), Listen: local, Cert: first.cert, Key: first.key, KeysFile: path}}})
	url := "https://" + s.Addr().String() + "/metrics"
	// eventually asks until the answer is right.
	eventually := func(c *http.Client, key string, code int) bool {
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			request, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+key)
			response, err := c.Do(request)
			if err != nil {
				continue // the other certificate
			}
			response.Body.Close()
			if response.StatusCode == code {
				return true
			}
		}
		return false
	}
	if !eventually(first.client(), viewerKey, 200) {
		t.Fatal("the first key is not taken")
	}
	write(t, path, keysText("a new key"))
	if !eventually(first.client(), "a new key", 200) || !eventually(first.client(), viewerKey, 401) {
		t.Error("the new keys were not taken")
	}
	for from, to := range map[string]string{second.cert: first.cert, second.key: first.key} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, to, string(text))
	}
	if !eventually(second.client(), "a new key", 200) {
		t.Error("the new certificate was not taken")
	}
}
