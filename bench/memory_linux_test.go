package bench

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMemoryOverTenMillionRows scores ten million rows in one process and wants
// its memory to stay within 5 % of what it was once a tenth was done.
func TestMemoryOverTenMillionRows(t *testing.T) {
	const rows = 10_000_000
	binary, err := filepath.Abs(filepath.Join("..", "bin", "penstock"))
	if err != nil {
		t.Fatal(err)
	}
	events := bytes.Join(readEvents(t), []byte("\n"))
	events = append(events, '\n')
	perRound := bytes.Count(events, []byte("\n"))

	cmd := exec.CommandContext(t.Context(), binary, "predict", "--quiet", "logreg.yaml")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan int, 1)
	go func() { lines <- countLines(out) }()

	var base, least, most float64
	for sent := 0; sent < rows; sent += perRound {
		if _, err := in.Write(events); err != nil {
			t.Fatal(err)
		}
		if sent < rows/10 {
			continue
		}
		now := residentMB(t, cmd.Process.Pid)
		if base == 0 {
			base, least, most = now, now, now
		}
		least, most = min(least, now), max(most, now)
	}
	in.Close()
	if n := <-lines; n < rows {
		t.Errorf("%d predictions, want at least %d", n, rows)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("resident: %.1f MB after a tenth, then between %.1f and %.1f MB", base, least, most)
	if most > base*1.05 || least < base*0.95 {
		t.Errorf("resident memory moved from %.1f MB to between %.1f and %.1f MB", base, least, most)
	}
}

func countLines(r io.Reader) int {
	buffer, n := make([]byte, 1<<20), 0
	for {
		k, err := r.Read(buffer)
		n += bytes.Count(buffer[:k], []byte("\n"))
		if err != nil {
			return n
		}
	}
}

// residentMB is a process's resident memory.
func residentMB(t *testing.T, pid int) float64 {
	t.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			if err != nil {
				t.Fatal(err)
			}
			return float64(kb) / 1024
		}
	}
	t.Fatalf("no VmRSS of process %d at %s", pid, time.Now())
	return 0
}
