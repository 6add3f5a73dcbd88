//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// fullDiskEnv tells the test binary to be the process whose disk gets full, and
// which; its argument is the folder.
const fullDiskEnv = "EMBEDDED_FULL_DISK"

// disk is one that can be filled.
type disk struct {
	fill, free func() error
	// frees makes room for a message, and not for a batch.
	frees func() error
	says  string // what a write to it says when it is full
	// batch is how many messages are published at once. On a disk that is full for
	// one file alone, they are published one by one.
	batch int
}

// runFullDisk is the child: it makes the disk and lives through what happens
// on it.
func runFullDisk(kind, dir string) error {
	make := map[string]func(string) (disk, error){"limited": limitedDisk, "small": smallDisk}[kind]
	d, err := make(dir)
	if err != nil {
		return err
	}
	return d.live(filepath.Join(dir, "data"))
}

// limitedDisk takes files of half a MiB while it is full: every system can do
// that, to anybody.
func limitedDisk(string) (disk, error) {
	signal.Ignore(syscall.SIGXFSZ)
	var unlimited syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &unlimited)
	limit := func(l syscall.Rlimit) func() error {
		return func() error { return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l) }
	}
	return disk{
		fill: limit(syscall.Rlimit{Cur: 512 << 10, Max: unlimited.Max}), free: limit(unlimited),
		frees: func() error { return nil },
		says:  syscall.EFBIG.Error(), batch: 1,
	}, err
}

// TestFullDisk: a server whose disk gets full shows nothing that it did not
// keep, says what is wrong, and goes on when there is room, with whole batches
// and all that it acknowledged.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if err := onFullDisk(t, "limited", nil); err != nil {
		t.Error(err)
	}
}

// onFullDisk runs the child.
func onFullDisk(t *testing.T, kind string, attributes *syscall.SysProcAttr) error {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], t.TempDir())
	child.Env = append(os.Environ(), fullDiskEnv+"="+kind)
	child.Stdout, child.Stderr = t.Output(), t.Output()
	child.SysProcAttr = attributes
	return child.Run()
}

// witness publishes to a server and knows what it must hold.
type witness struct {
	d     disk
	n     *NATS
	conn  *nats.Conn
	js    jetstream.JetStream
	tried int             // batches
	acked map[string]bool // by their ids
}

// live fills the disk twice: once the server mends itself, once it is closed
// and started.
func (d disk) live(dir string) error {
	w := &witness{d: d, acked: map[string]bool{}}
	defer w.close()
	if err := w.open(dir); err != nil {
		return err
	}
	_, err := w.js.CreateStream(context.Background(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, AllowAtomicPublish: true})
	if err != nil {
		return err
	}
	for range 20 / d.batch {
		if err := w.publish(); err != nil {
			return err
		}
	}
	for _, step := range []func() error{w.fill, d.frees, w.staysDown, d.free, w.mends, w.whole, w.fill} {
		if err := step(); err != nil {
			return err
		}
	}
	w.close()
	if err := w.open(dir); err == nil || !strings.Contains(err.Error(), d.says) {
		return fmt.Errorf("started on a full disk: %w, want %q", err, d.says)
	}
	w.close()
	if err := w.awaitsRoom(dir); err != nil {
		return err
	}
	return errors.Join(w.publish(), w.whole())
}

// awaitsRoom: who was told to wait is down, says why, and starts by itself.
func (w *witness) awaitsRoom(dir string) (err error) {
	if w.n, err = startWitness(NATSOptions{Dir: dir, AwaitRoom: true}); err != nil {
		return err
	}
	for _, step := range []func() error{w.staysDown, w.saysWhatToDo, w.d.free} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := w.until("is well", func() bool { return w.n.Health() == "" }); err != nil {
		return err
	}
	return w.connect()
}

func (w *witness) saysWhatToDo() error {
	if health := w.n.Health(); !strings.Contains(health, "make room on the disk of ") {
		return fmt.Errorf("its health is %q", health)
	}
	return nil
}

func startWitness(o NATSOptions) (*NATS, error) {
	o.MaxBytes, o.Log = 1<<30, slog.New(slog.NewTextHandler(os.Stderr, nil))
	return StartNATS(o)
}

func (w *witness) open(dir string) (err error) {
	if w.n, err = startWitness(NATSOptions{Dir: dir}); err != nil {
		return err
	}
	return w.connect()
}

func (w *witness) connect() (err error) {
	if w.conn, err = nats.Connect("", w.n.Connect(), nats.ReconnectWait(20*time.Millisecond)); err != nil {
		return err
	}
	w.js, err = jetstream.New(w.conn)
	return err
}

func (w *witness) close() {
	if w.conn != nil {
		w.conn.Close()
	}
	if w.n != nil {
		w.n.Close()
	}
	w.conn, w.n = nil, nil
}

// publish publishes a batch of messages of 100 kB and notes it when it was
// taken.
func (w *witness) publish() error {
	w.tried++
	id := fmt.Sprintf("batch-%d", w.tried)
	var answer *nats.Msg
	for i := 1; i <= w.d.batch; i++ {
		msg := nats.NewMsg("s")
		msg.Data = make([]byte, 100_000)
		msg.Header.Set("witness", id)
		if w.d.batch > 1 {
			msg.Header.Set("Nats-Batch-Id", id)
			msg.Header.Set("Nats-Batch-Sequence", fmt.Sprint(i))
		}
		if i < w.d.batch {
			if err := w.conn.PublishMsg(msg); err != nil {
				return err
			}
			continue
		}
		if w.d.batch > 1 {
			msg.Header.Set("Nats-Batch-Commit", "1")
		}
		var err error
		if answer, err = w.conn.RequestMsg(msg, 2*time.Second); err != nil {
			return err
		}
	}
	if strings.Contains(string(answer.Data), "error") {
		return errors.New(string(answer.Data))
	}
	w.acked[id] = true
	return nil
}

// fill fills the disk and publishes until that fails.
func (w *witness) fill() error {
	if err := w.d.fill(); err != nil {
		return err
	}
	for range 1000 {
		if err := w.publish(); err != nil {
			fmt.Fprintln(os.Stderr, "it is full:", err)
			return w.until("says that the disk is full", func() bool { return strings.Contains(w.n.Health(), w.d.says) })
		}
	}
	return errors.New("the disk does not get full")
}

// staysDown: for long enough to try again, nobody is let in.
func (w *witness) staysDown() error {
	for until := time.Now().Add(firstPause * 3 / 2); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if conn, err := w.n.InProcessConn(); err == nil {
			return errors.Join(errors.New("it lets clients in while the disk is full"), conn.Close())
		}
		if !strings.Contains(w.n.Health(), w.d.says) {
			return fmt.Errorf("its health is %q", w.n.Health())
		}
	}
	return nil
}

// mends: the server and the connection that was there come back by themselves.
func (w *witness) mends() error {
	if err := w.until("is well again", func() bool { return w.n.Health() == "" }); err != nil {
		return err
	}
	return w.until("takes what is published", func() bool { return w.publish() == nil })
}

func (w *witness) until(what string, is func() bool) error {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if is() {
			return nil
		}
	}
	return fmt.Errorf("it never %s; its health is %q", what, w.n.Health())
}

// whole: what was acknowledged is there once, and of a batch all or nothing.
func (w *witness) whole() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	stream, err := w.js.Stream(ctx, "S")
	if err != nil {
		return err
	}
	there := map[string]int{}
	for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
		msg, err := stream.GetMsg(ctx, seq)
		if err != nil {
			return err
		}
		there[msg.Header.Get("witness")]++
	}
	for id := range w.acked {
		if there[id] == 0 {
			err = errors.Join(err, fmt.Errorf("%s was acknowledged and is lost", id))
		}
	}
	for id, messages := range there {
		if messages != w.d.batch {
			err = errors.Join(err, fmt.Errorf("of %s there are %d messages of %d", id, messages, w.d.batch))
		}
	}
	fmt.Fprintf(os.Stderr, "%d batches were tried, %d acknowledged, %d are there\n", w.tried, len(w.acked), len(there))
	return err
}
