//go:build unix

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// fencingLog is the log of the controller that fences.
const fencingLog = "fencing.log"

// writeFencing writes the properties of the node without its broker.
func (b *Broker) writeFencing(controller string) error {
	return write(b.file("fencing.properties"), map[string]string{
		"node.id":                        "1",
		"process.roles":                  "controller",
		"controller.quorum.voters":       "1@" + controller,
		"controller.listener.names":      "CONTROLLER",
		"listeners":                      "CONTROLLER://" + controller,
		"listener.security.protocol.map": "CONTROLLER:PLAINTEXT",
		"log.dirs":                       b.file("data"),
		"broker.session.timeout.ms":      "100",
		"broker.heartbeat.interval.ms":   "50",
	})
}

// fence runs the controller alone until it has noticed that its broker died.
//
// Elsewhere the controller is another process and has noticed long before the
// broker returns. Here both return at once, and the broker finds itself the
// leader of everything, as in its last life. It begins to write the markers of
// transactions whose commit was decided when it was killed; then the session of
// the life before ends, its partitions have no leader for a moment, and Kafka
// 4.3.1 takes that for a deleted topic: it calls the transaction complete without
// its markers. A read_committed consumer waits for them for ever, or loses what
// was committed when the next transaction of that id aborts. That would be this
// set-up's fault, and no client's.
//
// What tells that it has noticed is its metadata log: it says so before it has
// written it, and loses what it has not written when it is asked to end.
func (b *Broker) fence(ctx context.Context) error {
	if err := os.RemoveAll(b.file(fencingLog)); err != nil {
		return err
	}
	for {
		fenced, err := b.fenced()
		if err != nil || fenced {
			return err
		}
		if err := b.runController(ctx); err != nil {
			return err
		}
	}
}

// runController runs it until it has fenced the broker.
func (b *Broker) runController(ctx context.Context) error {
	controller, err := b.java.start(b.Dir, fencingLog, "kafka.Kafka", b.file("fencing.properties"))
	if err != nil {
		return err
	}
	for {
		fenced, err := b.fenced()
		switch {
		case err != nil || controller.Exited() || ctx.Err() != nil:
			_ = controller.Kill()
			log, _ := os.ReadFile(b.file(fencingLog)) // without it the error still says enough
			return fmt.Errorf("fence the broker that was killed: %w\n%s", errors.Join(err, ctx.Err(), controller.Err()), log)
		case fenced:
			return controller.Terminate(ctx)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
