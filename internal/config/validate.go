package config

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// validator checks what no single key can tell.
type validator struct {
	file *File
	bad  map[string]bool // paths that the decoder has complained about
}

// errorf reports a problem at a path, written with dots.
func (v *validator) errorf(path, format string, args ...any) {
	v.report(path, problem{message: fmt.Sprintf(format, args...)})
}

func (v *validator) warnf(path, format string, args ...any) {
	v.report(path, problem{message: fmt.Sprintf(format, args...), warning: true})
}

// incomplete reports that a part lacks something, unless something in it was
// never read: that may be what it seems to lack.
func (v *validator) incomplete(path, format string, args ...any) {
	inside := strings.ReplaceAll(path, ".", "|") + "|"
	for bad := range v.bad {
		if strings.HasPrefix(bad, inside) {
			return
		}
	}
	v.errorf(path, format, args...)
}

// report places p, unless the value at its path was never read: what is said
// about a default that stands in for it would only confuse.
func (v *validator) report(path string, p problem) {
	steps := strings.Split(path, ".")
	for i := range steps {
		if v.bad[strings.Join(steps[:i+1], "|")] {
			return
		}
	}
	p.at, _ = v.file.find(steps)
	v.file.problems.add(p)
}

func (v *validator) validate(purpose Purpose) {
	v.model()
	v.drift()
	if purpose == ForModel {
		return
	}
	missing := v.missing()
	if purpose == ForLint && !v.streaming() {
		v.name("name", v.file.Pipeline.Name)
		if v.file.has("model") {
			v.warnf("", "enough for predict and test; run also needs %s", andList(missing))
		}
		return
	}
	if len(missing) > 0 {
		v.errorf("", "run also needs %s", andList(missing))
	}
	p := &v.file.Pipeline
	v.name("name", p.Name)
	v.name("instance", p.Instance)
	v.name("source.group", p.Source.Group)
	v.broker(&p.Broker)
	v.streams()
	v.listeners()
	if p.Delivery == "exactly_once" && p.TransactionTimeout <= 4*p.Model.Timeout {
		at := "transaction_timeout"
		if !v.file.has(at) {
			at = "model.timeout"
		}
		v.warnf(at, "transaction_timeout (%s) should be more than 4 times model.timeout (%s), so that a slow run does not cost the transaction",
			durationText(p.TransactionTimeout), durationText(p.Model.Timeout))
	}
}

// missing are the parts that run needs and the file has not.
func (v *validator) missing() []string {
	var names []string
	for _, key := range []string{"name", "broker", "source", "sink"} {
		if !v.file.has(key) && !v.bad[key] {
			names = append(names, key)
		}
	}
	return names
}

// streaming tells whether the file has anything of a stream. A name or a batch
// alone may be there for predict.
func (v *validator) streaming() bool {
	return slices.ContainsFunc([]string{"broker", "source", "sink"}, func(key string) bool { return v.file.has(key) || v.bad[key] })
}

const maxNameLength = 200 // leaves room for .drift-state and the like in Kafka's 249

var nameText = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// name checks what becomes part of topics, groups, members and metrics.
func (v *validator) name(path, name string) {
	switch {
	case name == "":
	case !nameText.MatchString(name):
		v.errorf(path, "%s may hold letters, digits, dots, underscores and dashes only, not %s", path, quoted(name))
	case len(name) > maxNameLength:
		v.errorf(path, "%s must be at most %d characters, not %d", path, maxNameLength, len(name))
	case name == "." || name == "..":
		v.errorf(path, "%s must be more than dots", path)
	}
}

// topic checks a Kafka topic's name.
func (v *validator) topic(path, name string) {
	if len(name) > 249 || name == "." || name == ".." || !nameText.MatchString(name) {
		v.errorf(path, "%s is no Kafka topic: at most 249 letters, digits, dots, underscores and dashes", quoted(name))
	}
}

var (
	deviceText = regexp.MustCompile(`^(cpu|cuda(:[0-9]{1,3})?)$`)
	sha256Text = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

func (v *validator) model() {
	m := &v.file.Pipeline.Model
	if m.Path == "" && v.file.has("model") {
		v.errorf("model.path", "path is empty; name the ONNX file")
	}
	for _, key := range []struct{ path, text string }{{"model.name", m.Name}, {"model.version", m.Version}} {
		if strings.ContainsFunc(key.text, unicode.IsControl) {
			v.errorf(key.path, "%s holds a control character, such as a line's end; it becomes part of records, headers and metrics", key.path)
		}
	}
	if m.SHA256 != "" && !sha256Text.MatchString(m.SHA256) {
		v.errorf("model.sha256", "sha256 must be 64 hex digits, as sha256sum or penstock inspect print them, not %d characters", len(m.SHA256))
	}
	if !deviceText.MatchString(m.Device) {
		v.errorf("model.device", "device must be cpu, cuda or cuda:N, such as cuda:1, not %s", quoted(m.Device))
	}
}

func (v *validator) listeners() {
	p := &v.file.Pipeline
	if v.address("listen", p.Listen) && !loopback(p.Listen) &&
		(p.HTTP.TLS.Cert == "" || p.HTTP.TLS.Key == "" || p.HTTP.KeysFile == "") {
		v.errorf("listen", "listen at %s is reachable from other machines: give http.tls (cert and key) and http.keys_file, or listen at 127.0.0.1:8080", p.Listen)
	}
	if (p.HTTP.TLS.Cert == "") != (p.HTTP.TLS.Key == "") {
		v.errorf("http.tls", "http.tls needs cert and key, or neither")
	}
	v.address("metrics_listen", p.MetricsListen)
	if port := portOf(p.Listen); port != 0 && port == portOf(p.MetricsListen) {
		v.errorf("metrics_listen", "metrics_listen must have another port than listen, not %d too", port)
	}
}

// address checks HOST:PORT; it tells whether there is one and it is good.
func (v *validator) address(path, address string) bool {
	if address == "" {
		return false
	}
	_, port, err := net.SplitHostPort(address)
	if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil {
		v.errorf(path, "%s must be HOST:PORT, such as 127.0.0.1:8080, not %s", path, quoted(address))
		return false
	}
	return true
}

// portOf is 0 where the system chooses the port, and where there is none.
func portOf(address string) uint64 {
	_, port, _ := net.SplitHostPort(address)
	n, _ := strconv.ParseUint(port, 10, 16) // address has complained
	return n
}

// loopback tells whether only this machine reaches the address.
func loopback(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
