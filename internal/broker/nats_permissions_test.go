package broker

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/config"
)

// granting has a server with a user ann, who may do what is given and no more,
// and root, who may do all.
func granting(permissions []Permission) func(*server.Options) {
	// An empty list would allow all.
	granted := &server.Permissions{Publish: &server.SubjectPermission{}, Subscribe: &server.SubjectPermission{Allow: []string{"unused"}}}
	for _, p := range permissions {
		if p.Subscribe {
			granted.Subscribe.Allow = append(granted.Subscribe.Allow, p.Subject)
		} else {
			granted.Publish.Allow = append(granted.Publish.Allow, p.Subject)
		}
	}
	return func(o *server.Options) {
		o.Users = []*server.User{{Username: "ann", Password: "a", Permissions: granted}, {Username: "root", Password: "r"}}
	}
}

// setUp looks for the streams and makes them, as each start does.
func setUp(ctx context.Context, js jetstream.JetStream, p *config.Pipeline) error {
	found, err := InspectStreams(ctx, js, NeededStreams(p))
	if err != nil {
		return err
	}
	if _, err = CreateStreams(ctx, js, found, !p.CreateTopics); err != nil {
		return err
	}
	_, err = InspectStreams(ctx, js, NeededStreams(p))
	return err
}

// TestPermissionsSuffice sets a pipeline's streams up as a user who may do what
// is listed. Without any one of the rights that this takes it fails, and so does
// the probe of that right and of no other; nothing is stored by probing.
func TestPermissionsSuffice(t *testing.T) {
	for _, delivery := range []string{"exactly_once", "at_least_once"} {
		p := natsPipeline("tx.*")
		p.Delivery, p.CreateTopics = delivery, true
		needed := NATSPermissions(p)
		url := startNATS(t, granting(needed)).ClientURL()
		js := jetStreamOf(t, &config.NATS{URL: url, User: "ann", Password: "a"})
		if err := setUp(soonCtx(t), js, p); err != nil {
			t.Fatalf("%s: %v", delivery, err)
		}
		for i := range needed {
			err := needed[i].Probe(soonCtx(t), js.Conn())
			if unasked := needed[i].Subject == "scored.*"; unasked != errors.Is(err, ErrNotProbed) || !unasked && err != nil {
				t.Errorf("%s: %s: %v", delivery, needed[i].Subject, err)
			}
		}
		for _, stream := range []string{"TX", "OWN"} {
			s, err := js.Stream(soonCtx(t), stream)
			if err != nil {
				t.Fatal(err)
			}
			if state := s.CachedInfo().State; state.LastSeq != 0 || state.Consumers != 0 {
				t.Errorf("%s: probing left %+v in %s", delivery, state, stream)
			}
		}
	}
}

func TestPermissionsAreNeeded(t *testing.T) {
	p := natsPipeline("tx.*")
	p.CreateTopics = true
	needed := NATSPermissions(p)
	setsUp := []string{"$JS.API.STREAM.NAMES", "$JS.API.STREAM.CREATE.OWN", "$JS.API.STREAM.INFO.OWN", "$JS.API.STREAM.CREATE.TX", "$JS.API.STREAM.INFO.TX"}
	for i, without := range needed {
		t.Run(without.Subject, func(t *testing.T) {
			url := startNATS(t, granting(slices.Delete(slices.Clone(needed), i, i+1))).ClientURL()
			l := &NATSLiveness{}
			conn := watched(t, l, &config.NATS{URL: url, User: "ann", Password: "a"})
			js, err := jetstream.New(conn)
			if err != nil {
				t.Fatal(err)
			}
			for j := range needed {
				err := needed[j].Probe(soonCtx(t), conn)
				if refused := Diagnose(err).Kind == Denied; refused != (i == j && without.probe != "") {
					t.Errorf("the probe of %s: %v", needed[j].Subject, err)
				}
			}
			if !slices.Contains(setsUp, without.Subject) {
				return // what runs the pipeline needs it
			}
			ctx, stop := l.Guard(soonCtx(t))
			defer stop()
			started := time.Now()
			d := Diagnose(setUp(ctx, js, p))
			if d.Kind != Denied || !strings.Contains(d.Hint, "may not publish to "+without.Subject+":") || time.Since(started) > 2*time.Second {
				t.Errorf("after %s: %s, %s", time.Since(started), d.Kind, d.Hint)
			}
		})
	}
}

// TestAcknowledging has events acknowledged in both of the server's formats, as
// the user may, and not without the right.
func TestAcknowledging(t *testing.T) {
	p := natsPipeline("tx.*")
	p.Delivery, p.CreateTopics = "at_least_once", true
	for _, tt := range []struct {
		v2      bool
		without string
		works   bool
	}{
		{false, "", true},
		{true, "", true},
		{false, "$JS.ACK.TX.>", false},
		{true, "$JS.ACK.*.*.TX.>", false},
	} {
		granted := slices.DeleteFunc(NATSPermissions(p), func(p Permission) bool { return p.Subject == tt.without })
		url := startNATS(t, granting(granted), func(o *server.Options) {
			o.FeatureFlags = map[string]bool{server.FeatureFlagJsAckFormatV2: tt.v2}
		}).ClientURL()
		js := jetStreamOf(t, &config.NATS{URL: url, User: "ann", Password: "a"})
		if err := setUp(soonCtx(t), js, p); err != nil {
			t.Fatal(err)
		}
		if _, err := jetStreamOf(t, &config.NATS{URL: url, User: "root", Password: "r"}).Publish(soonCtx(t), "tx.1", nil); err != nil {
			t.Fatal(err)
		}
		c, err := js.CreateConsumer(soonCtx(t), "TX", jetstream.ConsumerConfig{Durable: "p", FilterSubject: "tx.*", AckPolicy: jetstream.AckAllPolicy})
		if err != nil {
			t.Fatal(err)
		}
		m, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		err = m.DoubleAck(ctx)
		cancel()
		if works := err == nil; works != tt.works {
			t.Errorf("%+v: %v of %s", tt, err, m.Reply())
		}
	}
}

// TestProbingDestroysNothing: the probe of a right to purge is no purge.
func TestProbingDestroysNothing(t *testing.T) {
	p := natsPipeline("tx.*")
	needed := NATSPermissions(p)
	url := startNATS(t, granting(needed)).ClientURL()
	root := jetStreamOf(t, &config.NATS{URL: url, User: "root", Password: "r"})
	p.CreateTopics = true // for the own stream is not made without its source
	if err := setUp(soonCtx(t), root, p); err != nil {
		t.Fatal(err)
	}
	if _, err := root.Publish(soonCtx(t), "p.position.x", []byte("1")); err != nil {
		t.Fatal(err)
	}
	conn := jetStreamOf(t, &config.NATS{URL: url, User: "ann", Password: "a"}).Conn()
	for i := range needed {
		if err := needed[i].Probe(soonCtx(t), conn); err != nil && !errors.Is(err, ErrNotProbed) {
			t.Error(err)
		}
	}
	s, err := root.Stream(soonCtx(t), "OWN")
	if err != nil {
		t.Fatal(err)
	}
	if state := s.CachedInfo().State; state.Msgs != 1 || state.LastSeq != 1 {
		t.Errorf("what is left is %+v", state)
	}
}
