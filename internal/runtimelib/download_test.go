package runtimelib

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// archiveServer serves content and notes the Range headers that it was sent.
type archiveServer struct {
	*httptest.Server
	mu     sync.Mutex // guards ranges
	ranges []string
}

func serve(t *testing.T, handle func(w http.ResponseWriter, r *http.Request, attempt int)) *archiveServer {
	t.Helper()
	s := &archiveServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.ranges = append(s.ranges, r.Header.Get("Range"))
		attempt := len(s.ranges)
		s.mu.Unlock()
		handle(w, r, attempt)
	}))
	t.Cleanup(s.Close)
	return s
}

// testDownload runs one download of content from s into a fresh directory that
// holds part already, and returns what lies there after it.
func testDownload(t *testing.T, s *archiveServer, content, part []byte) (after []byte, said string, err error) {
	t.Helper()
	var log bytes.Buffer
	d := newDownloader(s.URL+"/", t.TempDir(), progress{&log})
	d.stall = 200 * time.Millisecond
	a := artifact{file: pin{name: "ort.tgz", size: int64(len(content)), sha256: digest(content)}}
	path := filepath.Join(d.partial, a.file.name)
	if part != nil {
		write(t, path, part)
	}
	got, err := d.fetch(t.Context(), a, "")
	if err == nil && got != path {
		t.Errorf("fetch = %s, want %s", got, path)
	}
	after, readErr := os.ReadFile(path)
	if readErr != nil && !errors.Is(readErr, os.ErrNotExist) {
		t.Fatal(readErr)
	}
	return after, log.String(), err
}

func serveWhole(content []byte) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, r *http.Request, _ int) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}
}

// cutAfter sends n bytes of what was asked for and drops the connection.
func cutAfter(w http.ResponseWriter, content []byte, from, n int) {
	w.Header().Set("Content-Length", fmt.Sprint(len(content)-from))
	if from > 0 {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
		w.WriteHeader(http.StatusPartialContent)
	}
	_, _ = w.Write(content[from : from+n])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return b
}

func TestDownload(t *testing.T) {
	content := randomBytes(300_000)
	for _, c := range []struct {
		name   string
		part   []byte
		handle func(http.ResponseWriter, *http.Request, int)
		ranges []string
		wrong  string // of the error; "": the file is complete
		left   int    // bytes left behind for the next time, when it fails
	}{
		{name: "whole", handle: serveWhole(content), ranges: []string{""}},
		{name: "goes on with a part", part: content[:120_000], handle: serveWhole(content), ranges: []string{"bytes=120000-"}},
		{name: "a part that is complete asks nothing", part: content, handle: serveWhole(content)},
		{
			name: "a server without ranges sends all again", part: content[:120_000], ranges: []string{"bytes=120000-"},
			handle: func(w http.ResponseWriter, _ *http.Request, _ int) { _, _ = w.Write(content) },
		},
		{
			name: "goes on when the connection breaks", ranges: []string{"", "bytes=100000-", "bytes=200000-"},
			handle: func(w http.ResponseWriter, _ *http.Request, attempt int) {
				cutAfter(w, content, (attempt-1)*100_000, 100_000)
			},
		},
		{
			name: "gives up when nothing comes any more", ranges: []string{"", "bytes=100000-"}, wrong: "EOF", left: 100_000,
			handle: func(w http.ResponseWriter, _ *http.Request, attempt int) {
				cutAfter(w, content, min(attempt-1, 1)*100_000, max(2-attempt, 0)*100_000)
			},
		},
		{
			name: "not there", ranges: []string{""}, wrong: "404 Not Found",
			handle: func(w http.ResponseWriter, r *http.Request, _ int) { http.NotFound(w, r) },
		},
		{
			name: "another range than asked for", part: content[:10], ranges: []string{"bytes=10-"}, wrong: "206", left: 10,
			handle: func(w http.ResponseWriter, _ *http.Request, _ int) {
				w.Header().Set("Content-Range", "bytes 0-299999/300000")
				w.WriteHeader(http.StatusPartialContent)
				_, _ = w.Write(content)
			},
		},
		{
			name: "a part of something longer", part: append(slices.Clone(content), 1), handle: serveWhole(content),
			ranges: []string{"bytes=300001-"}, wrong: "does not belong to it",
		},
		{
			name: "more than was pinned is cut", ranges: []string{""},
			handle: func(w http.ResponseWriter, _ *http.Request, _ int) {
				_, _ = w.Write(append(slices.Clone(content), content...))
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, c.handle)
			after, _, err := testDownload(t, s, content, c.part)
			if !slices.Equal(s.ranges, c.ranges) {
				t.Errorf("asked for ranges %q, want %q", s.ranges, c.ranges)
			}
			if c.wrong == "" {
				if err != nil || !bytes.Equal(after, content) {
					t.Errorf("fetch: %v; %d bytes there", err, len(after))
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.wrong) || len(after) != c.left {
				t.Errorf("fetch: %v with %d bytes left, want an error that says %q with %d", err, len(after), c.wrong, c.left)
			}
		})
	}
}

func TestDownloadGivesUpOnASilentServer(t *testing.T) {
	content := randomBytes(1000)
	release := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, _ *http.Request, attempt int) {
		if attempt == 1 {
			_, _ = w.Write(content[:10])
			w.(http.Flusher).Flush()
		}
		<-release
	})
	t.Cleanup(func() { close(release) }) // runs before the server's Close, which waits for handlers
	d := newDownloader(s.URL+"/", t.TempDir(), progress{io.Discard})
	d.stall, d.tries = 50*time.Millisecond, 1
	_, err := d.fetch(t.Context(), artifact{file: pin{name: "ort.tgz", size: 1000}}, "")
	if err == nil || !strings.Contains(err.Error(), "no data came for 50ms") {
		t.Errorf("fetch: %v", err)
	}
}

func TestDownloadSaysHowFarItIs(t *testing.T) {
	content := randomBytes(1_000_000)
	_, said, err := testDownload(t, serve(t, serveWhole(content)), content, content[:450_000])
	must(t, err)
	if strings.Contains(said, " 40 %") || !strings.Contains(said, " 50 %") || !strings.Contains(said, "100 %  1.0 MB of 1.0 MB\n") {
		t.Errorf("a download that goes on at 45 %% must tell 50 to 100 %%:\n%s", said)
	}
}

func TestRedirectsNeverLeaveHTTPS(t *testing.T) {
	request := func(raw string) *http.Request {
		u, err := url.Parse(raw)
		must(t, err)
		return &http.Request{URL: u}
	}
	via := []*http.Request{request("https://github.com/a")}
	if err := stayEncrypted(request("https://objects.example/a"), via); err != nil {
		t.Error(err)
	}
	if err := stayEncrypted(request("http://objects.example/a"), via); err == nil {
		t.Error("a redirect to http must be refused")
	}
	if err := stayEncrypted(request("https://a.example/"), slices.Repeat(via, 10)); err == nil {
		t.Error("an endless redirect must end")
	}
}
