package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/penstock/penstock/internal/telemetry"
)

// handler answers the requests of one listener.
type handler struct {
	site    *site
	options Options
	keys    *keys // nil: none are asked for
}

// routes are what is there. Whoever adds one says who may have it.
func (h *handler) routes() http.Handler {
	mux := http.NewServeMux()
	var there []string
	serve := func(path string, next http.Handler) {
		there = append(there, path)
		mux.Handle("GET "+path, next) // and HEAD
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, path+" is only for reading: use GET", http.StatusMethodNotAllowed)
		})
	}
	view := func(next http.Handler) http.Handler { return h.keys.require(roleViewer, next) }
	// A kubelet has no key, and these two tell nothing but that.
	serve("/livez", http.HandlerFunc(livez))
	serve("/readyz", http.HandlerFunc(h.readyz))
	serve("/metrics", view(h.options.Metrics))
	if !h.site.metrics {
		serve("/api/v1/status", view(http.HandlerFunc(h.status)))
		serve("/api/v1/drift", view(http.HandlerFunc(h.drift)))
	}
	if !h.site.metrics && h.options.Debug {
		there = append(there, "/debug/pprof/")
		h.profiles(mux)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, fmt.Sprintf("%q is not here; there are %s", r.URL.Path, strings.Join(there, ", ")), http.StatusNotFound)
	})
	return headers(mux)
}

// profiles serves net/http/pprof. A heap's profile names what is in memory, so
// it takes an admin. These set their own deadlines: one may ask for minutes.
func (h *handler) profiles(mux *http.ServeMux) {
	for path, profile := range map[string]http.HandlerFunc{
		"/debug/pprof/":        pprof.Index,
		"/debug/pprof/cmdline": pprof.Cmdline,
		"/debug/pprof/profile": pprof.Profile,
		"/debug/pprof/symbol":  pprof.Symbol,
		"/debug/pprof/trace":   pprof.Trace,
	} {
		mux.Handle(path, h.keys.require(roleAdmin, profile))
	}
}

// headers are on every answer: it is of this moment, and what it says it is.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// livez answers as long as the process can. What it waits for, such as a broker,
// would not come back sooner for a restart.
func livez(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

// picked are the pipelines that a request is about: those of the listener, or
// the one that ?pipeline names. Without any it has answered.
func (h *handler) picked(w http.ResponseWriter, r *http.Request) []Pipeline {
	name, all := r.URL.Query().Get("pipeline"), make([]Pipeline, len(h.site.mounts))
	for i, m := range h.site.mounts {
		all[i] = m.Pipeline
	}
	if name == "" {
		return all
	}
	var names []string
	for _, p := range all {
		if p.Name() == name {
			return []Pipeline{p}
		}
		names = append(names, p.Name())
	}
	http.Error(w, fmt.Sprintf("there is no pipeline %q here; there are %s", name, strings.Join(names, ", ")), http.StatusNotFound)
	return nil
}

// readyz is 200 when every check of every pipeline is good, and says which are
// not; with ?verbose it says which are, too.
func (h *handler) readyz(w http.ResponseWriter, r *http.Request) {
	pipelines := h.picked(w, r)
	if pipelines == nil {
		return
	}
	var failed, all strings.Builder
	for _, p := range pipelines {
		for _, c := range p.Checks() {
			line := p.Name() + ": " + c.Name
			if c.Reason != "" {
				line += ": " + strings.Join(strings.Fields(c.Reason), " ")
			}
			if c.OK {
				fmt.Fprintln(&all, "[+]", line)
				continue
			}
			fmt.Fprintln(&all, "[-]", line)
			fmt.Fprintln(&failed, line)
		}
	}
	code, body := http.StatusOK, "ok\n"
	if failed.Len() > 0 {
		code, body = http.StatusServiceUnavailable, failed.String()
	}
	if verbose := r.URL.Query(); verbose.Has("verbose") && verbose.Get("verbose") != "false" {
		body = all.String() + map[bool]string{true: "ready\n", false: "not ready\n"}[code == http.StatusOK]
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	fmt.Fprint(w, body)
}

// processStatus is the answer of /api/v1/status.
type processStatus struct {
	Version   string             `json:"version"`
	Started   time.Time          `json:"started"`
	Pipelines []telemetry.Status `json:"pipelines"`
}

func (h *handler) status(w http.ResponseWriter, r *http.Request) {
	pipelines := h.picked(w, r)
	if pipelines == nil {
		return
	}
	answer := processStatus{Version: h.options.Version, Started: h.options.Started.UTC()}
	for _, p := range pipelines {
		s := p.Status()
		s.Checks, s.Workers, s.Partitions = list(s.Checks), list(s.Workers), list(s.Partitions)
		answer.Pipelines = append(answer.Pipelines, s)
	}
	writeJSON(w, answer)
}

// writeJSON answers with a value, indented, for people look at it, too.
func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	_ = out.Encode(value) // the client has gone, if anything
}

// list makes an empty list [] in JSON, and never null.
func list[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}
