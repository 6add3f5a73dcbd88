package runtimelib

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// downloader fetches release archives over HTTP. What has come in stays in
// partial under the archive's name when the connection breaks, so that the
// next attempt, in this process or a later one, asks for the rest only.
type downloader struct {
	base    string // URL up to the file's name
	partial string // directory
	client  *http.Client
	stall   time.Duration // without a byte for so long, the connection is given up
	tries   int           // connections, at most, as long as each brings something
	out     progress
}

// newDownloader returns one with timeouts for a person who waits: a machine
// that reaches no more than package registries must get to the next source in
// seconds.
func newDownloader(base, partial string, out progress) *downloader {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: 4 * time.Second}).DialContext
	transport.TLSHandshakeTimeout = 5 * time.Second
	transport.ResponseHeaderTimeout = 10 * time.Second
	client := &http.Client{Transport: transport, CheckRedirect: stayEncrypted}
	return &downloader{base: base, partial: partial, client: client, stall: 20 * time.Second, tries: 5, out: out}
}

// stayEncrypted follows redirects (the archives lie on another host) but never
// from https to http.
func stayEncrypted(next *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("more than 10 redirects")
	}
	if via[0].URL.Scheme == "https" && next.URL.Scheme != "https" {
		return errors.New("a redirect leaves https")
	}
	return nil
}

func (d *downloader) fetch(ctx context.Context, a artifact, _ string) (string, error) {
	if err := os.MkdirAll(d.partial, 0o755); err != nil {
		return "", fmt.Errorf("make the download directory: %w", err)
	}
	path := filepath.Join(d.partial, a.file.name)
	for try := 1; ; try++ {
		before := sizeOf(path)
		if before == a.file.size {
			return path, nil
		}
		err := d.once(ctx, path, a.file)
		if err == nil {
			return path, nil
		}
		if sizeOf(path) <= before || try == d.tries || ctx.Err() != nil {
			return "", err
		}
		d.out.say("  the connection broke (%v): going on from %s", err, megabytes(sizeOf(path)))
	}
}

// once asks for what is missing of want at path, and appends what comes.
func (d *downloader) once(ctx context.Context, path string, want pin) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.base+want.name, nil)
	if err != nil {
		return fmt.Errorf("ask for %s: %w", want.name, err)
	}
	have := sizeOf(path)
	if have > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	response, err := d.client.Do(request)
	if err != nil {
		return err // it names the method and the URL
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusPartialContent && startsAt(response, have):
	case response.StatusCode == http.StatusOK:
		have = 0 // the server sends all of it again
	case have > 0 && response.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		// What is there is longer than the file: it is another one's.
		return errors.Join(fmt.Errorf("the part in %s does not belong to it: run it again", path), os.Remove(path))
	default:
		return fmt.Errorf("GET %s: %s", request.URL, response.Status)
	}
	watch := time.AfterFunc(d.stall, func() { cancel(fmt.Errorf("no data came for %s", d.stall)) })
	defer watch.Stop()
	err = d.append(path, have, want.size, awake{response.Body, watch, d.stall})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause // says why the read was cancelled, which err does not
	}
	return err
}

// append writes what comes behind the first have bytes of path. More than the
// pinned size is never written.
func (d *downloader) append(path string, have, size int64, body io.Reader) error {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	err = errors.Join(out.Truncate(have), seek(out, have))
	if err == nil {
		count := &counter{progress: d.out, done: have, total: size}
		count.told = have * 10 / max(size, 1)
		_, err = io.Copy(io.MultiWriter(out, count), io.LimitReader(body, size-have))
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	if got := sizeOf(path); got < size {
		return fmt.Errorf("it ended after %d of %d bytes: %w", got, size, io.ErrUnexpectedEOF)
	}
	return nil
}

func seek(f *os.File, to int64) error {
	_, err := f.Seek(to, io.SeekStart)
	return err
}

// awake puts the watch off at every read that brings something.
type awake struct {
	io.Reader
	watch *time.Timer
	stall time.Duration
}

func (a awake) Read(b []byte) (int, error) {
	n, err := a.Reader.Read(b)
	if n > 0 {
		a.watch.Reset(a.stall)
	}
	return n, err
}

// startsAt tells whether a partial answer begins where it was asked to. A
// server that answers with another range would corrupt the file.
func startsAt(r *http.Response, offset int64) bool {
	span, ok := strings.CutPrefix(r.Header.Get("Content-Range"), "bytes ")
	first, _, found := strings.Cut(span, "-")
	n, err := strconv.ParseInt(first, 10, 64)
	return ok && found && err == nil && n == offset
}

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
