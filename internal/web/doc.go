// Package web serves what a process says about itself over HTTP: whether it is
// alive and ready, its metrics, and its status.
//
// It knows pipelines only as something that has checks and a status. Each names
// the addresses that it is to be found at; pipelines that name the same one share
// its listener, which then speaks for all of them. An address that other machines
// reach is served with TLS and API keys or not at all; the exception is
// metrics_listen, where probes and scrapers find what they need and nothing else.
//
// Routes, the status and the file of keys are described in docs/http.md.
package web
