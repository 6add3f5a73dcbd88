//go:build linux

package deployments

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/penstock/penstock/internal/config"
)

// patience is for a machine that has much else to do.
const patience = 2 * time.Minute

// nobody is where no broker answers.
const nobody = "127.0.0.1:1"

// comesFar runs a container's command on the files of the layout, and complains
// unless all that is left to do is to reach the broker. One within the process is
// there: then the command must do what there is to do, which is nothing, and end.
func (l layout) comesFar(f *findings, args []string, env map[string]string, p *config.Pipeline) {
	args = inRoot(l.root, args)
	if slices.Contains(args, "run") { // its ports may be another's on this machine
		args = append(args, "--set", `listen=""`, "--set", "metrics_listen=127.0.0.1:0")
	}
	switch {
	case p.Broker.Kafka != nil:
		args = append(args, "--set", "broker.kafka.bootstrap_servers="+nobody)
	case p.Broker.NATS != nil:
		args = append(args, "--set", "broker.nats.url=nats://"+nobody)
	default:
		args = append(args, "--until-end", "--set", "broker.embedded.listen=127.0.0.1:0",
			"--set", "broker.embedded.dir="+filepath.Join(l.root, string(p.Broker.Embedded.Dir)))
	}
	said, reached, err := talk(args, env)
	if done := p.Broker.Embedded != nil && err == nil; !reached && !done {
		f.add("penstock %s: %v\n%s", strings.Join(args, " "), err, said)
	}
}

// talk runs the binary until it says that no broker answers, or ends.
func talk(args []string, env map[string]string) (said string, reached bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, image().binary, args...)
	cmd.Env = variables(env)
	heard := &listener{enough: cancel}
	cmd.Stdout, cmd.Stderr = heard, heard
	err = cmd.Run()
	return heard.said.String(), heard.reached, err
}

// listener takes a command's output, and has enough when no broker answers.
type listener struct {
	said    strings.Builder
	enough  func()
	reached bool
}

func (l *listener) Write(b []byte) (int, error) {
	l.said.Write(b)
	if said := l.said.String(); strings.Contains(said, "no server answers") || strings.Contains(said, nobody+": connect: connection refused") {
		l.reached = true
		l.enough()
	}
	return len(b), nil
}
