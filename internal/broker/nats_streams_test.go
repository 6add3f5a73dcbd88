package broker

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/natstest"
)

// natsPipeline reads TX and writes to OWN.
func natsPipeline(filters ...string) *config.Pipeline {
	return &config.Pipeline{
		Name: "p", Delivery: "exactly_once",
		Source: config.Source{Stream: "TX", FilterSubjects: filters, Group: "p", Start: "earliest"},
		Sink:   config.Sink{Stream: "OWN", Subject: "scored.{{wildcard(1)}}"},
	}
}

func inspectStreams(t *testing.T, js jetstream.JetStream, p *config.Pipeline) []FoundStream {
	t.Helper()
	found, err := InspectStreams(soonCtx(t), js, NeededStreams(p))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// told is what a person reads of findings.
func told(findings []Finding) []string {
	var all []string
	for _, f := range findings {
		line := strings.Join(f.Path, ".") + ": " + f.Text
		if f.Warning {
			line = "warning: " + line
		}
		all = append(all, line)
	}
	return all
}

// TestCreateStreams makes the streams of a pipeline, and finds
// nothing wrong with what it made.
func TestCreateStreams(t *testing.T) {
	js := jetStreamOf(t, &config.NATS{URL: startNATS(t).ClientURL()})
	p := natsPipeline("tx.{0..1}.*")
	if got, want := told(CompareStreams(p, inspectStreams(t, js, p))), []string{
		"source.stream: stream TX (source) is missing",
		"sink.stream: stream OWN (the pipeline's own) is missing",
	}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	made, err := CreateStreams(soonCtx(t), js, inspectStreams(t, js, p), true)
	if err != nil || len(made) > 0 {
		t.Fatalf("without a source it made %v, %v", made, err)
	}
	made, err = CreateStreams(soonCtx(t), js, inspectStreams(t, js, p), false)
	if err != nil || len(made) != 2 || made[0].Name != "TX" || made[1].Name != "OWN" {
		t.Fatalf("made %v, %v", made, err)
	}
	found := inspectStreams(t, js, p)
	if got := told(CompareStreams(p, found)); len(got) > 0 {
		t.Errorf("what was made is told: %q", got)
	}
	p.Delivery = "at_least_once"
	if got := told(CompareStreams(p, found)); len(got) > 0 {
		t.Errorf("at least once: %q", got)
	}
	if got, want := found[0].Has.Subjects, []string{"tx.0.*", "tx.1.*"}; !slices.Equal(got, want) {
		t.Errorf("the source takes %q", got)
	}
	own := found[1].Has
	if got, want := own.Subjects, []string{"p.>", "scored.*"}; !slices.Equal(got, want) {
		t.Errorf("the pipeline's own takes %q", got)
	}
	if own.Storage != jetstream.FileStorage || own.Retention != jetstream.LimitsPolicy || own.Discard != jetstream.DiscardNew ||
		!own.AllowAtomicPublish || !own.AllowRollup || !own.AllowMsgTTL || !own.AllowDirect || own.DenyPurge || own.Duplicates < 2*time.Minute {
		t.Errorf("made %+v", own)
	}
	if made, err = CreateStreams(soonCtx(t), js, found, false); err != nil || len(made) > 0 {
		t.Errorf("a second time makes %v, %v", made, err)
	}
}

// TestCreateStreamsWithoutFilters: what a source would take is not known.
func TestCreateStreamsWithoutFilters(t *testing.T) {
	js := jetStreamOf(t, &config.NATS{URL: startNATS(t).ClientURL()})
	p := natsPipeline()
	made, err := CreateStreams(soonCtx(t), js, inspectStreams(t, js, p), false)
	if err == nil || !strings.Contains(err.Error(), "create stream TX: it needs subjects: give source.filter_subjects") || len(made) > 0 {
		t.Errorf("made %v, %v", made, err)
	}
}

// TestCreateStreamsTogether: who comes second is content.
func TestCreateStreamsTogether(t *testing.T) {
	js := jetStreamOf(t, &config.NATS{URL: startNATS(t).ClientURL()})
	p := natsPipeline("tx.*")
	found := inspectStreams(t, js, p)
	addStream(t, js, jetstream.StreamConfig{Name: "OWN", Subjects: []string{"p.>"}, MaxAge: time.Hour})
	if made, err := CreateStreams(soonCtx(t), js, found, true); err != nil || len(made) > 0 {
		t.Errorf("made %v, %v", made, err)
	}
}

// good are settings with nothing wrong.
func good() (source, own jetstream.StreamConfig) {
	p := natsPipeline("tx.*.>")
	own = NeededStreams(p)[1].Settings
	return jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.>"}}, own
}

// TestCompareStreams has one thing wrong at a time, on a real server.
func TestCompareStreams(t *testing.T) {
	type settings = jetstream.StreamConfig
	for name, tt := range map[string]struct {
		source, own func(*settings)
		pipeline    func(*config.Pipeline)
		want        []string
	}{
		"nothing":      {},
		"a work queue": {source: func(s *settings) { s.Retention = jetstream.WorkQueuePolicy }, want: []string{"source.stream: TX has retention=workqueue: exactly once acknowledges no event"}},
		"interest":     {source: func(s *settings) { s.Retention = jetstream.InterestPolicy }, want: []string{"source.stream: TX has retention=interest: it keeps events only"}},
		"a work queue, at least once": {
			source: func(s *settings) { s.Retention = jetstream.WorkQueuePolicy }, pipeline: func(p *config.Pipeline) { p.Delivery = "at_least_once" },
		},
		"interest, at least once": {
			source: func(s *settings) { s.Retention = jetstream.InterestPolicy }, pipeline: func(p *config.Pipeline) { p.Delivery = "at_least_once" },
			want: []string{"warning: source.stream: TX has retention=interest: what is published before"},
		},
		"the end of a work queue": {
			source: func(s *settings) { s.Retention = jetstream.WorkQueuePolicy }, pipeline: func(p *config.Pipeline) { p.Delivery, p.Source.Start = "at_least_once", "latest" },
			want: []string{"source.start: TX has retention=workqueue, which is read from its beginning only"},
		},
		"few consumers": {source: func(s *settings) { s.MaxConsumers = 1 }, pipeline: func(p *config.Pipeline) { p.Source.FilterSubjects = []string{"tx.{0..1}"} }, want: []string{"source.stream: TX may have 1 consumers, but the pipeline needs 2"}},
		"a filter of nothing": {
			pipeline: func(p *config.Pipeline) { p.Source.FilterSubjects = []string{"tx.1", "xt.*"} },
			want:     []string{`source.filter_subjects: filter "xt.*" matches nothing: stream TX takes ["tx.>"]`},
		},
		"all":                   {pipeline: func(p *config.Pipeline) { p.Source.FilterSubjects = nil }},
		"memory":                {own: func(s *settings) { s.Storage = jetstream.MemoryStorage }, want: []string{"sink.stream: OWN has storage=memory: it would lose the positions"}},
		"interest of one's own": {own: func(s *settings) { s.Retention = jetstream.InterestPolicy }, want: []string{"sink.stream: OWN has retention=interest: it would lose positions"}},
		"no batches":            {own: func(s *settings) { s.AllowAtomicPublish = false }, want: []string{"sink.stream: OWN has allow_atomic=false: it refuses epochs"}},
		"no rollups":            {own: func(s *settings) { s.AllowRollup = false }, want: []string{"sink.stream: OWN has allow_rollup_hdrs=false"}},
		"no TTLs":               {own: func(s *settings) { s.AllowMsgTTL = false }, want: []string{"sink.stream: OWN has allow_msg_ttl=false"}},
		"no direct reads":       {own: func(s *settings) { s.AllowDirect = false }, want: []string{"sink.stream: OWN has allow_direct=false"}},
		"markers":               {own: func(s *settings) { s.SubjectDeleteMarkerTTL = time.Second }, want: []string{"sink.stream: OWN has subject_delete_marker_ttl=1s: it would put a marker"}},
		"no acks":               {own: func(s *settings) { s.NoAck = true }, want: []string{"sink.stream: OWN has no_ack=true"}},
		"a count":               {own: func(s *settings) { s.MaxMsgs = 9 }, want: []string{"sink.stream: OWN has max_msgs=9: it would evict the positions"}},
		"a count a subject":     {own: func(s *settings) { s.MaxMsgsPerSubject = 1 }, want: []string{"sink.stream: OWN has max_msgs_per_subject=1: it would lose predictions"}},
		"bytes":                 {own: func(s *settings) { s.MaxBytes, s.Discard = 1000, jetstream.DiscardOld }, want: []string{"sink.stream: OWN has max_bytes=1000 with discard=old: it would evict"}},
		"bytes, refused":        {own: func(s *settings) { s.MaxBytes = 1000 }},
		"an age":                {own: func(s *settings) { s.MaxAge = time.Hour }},
		"another's mirror": {
			own: func(s *settings) {
				*s = settings{Name: "OWN", Mirror: &jetstream.StreamSource{Name: "TX"}, AllowRollup: true, AllowMsgTTL: true, AllowDirect: true}
			},
			want: []string{"OWN has mirror: it takes nothing", "OWN has allow_atomic=false", `OWN takes [], but not p.>`, `OWN takes [], but not scored.*`},
		},
		"a short memory": {
			own: func(s *settings) { s.Duplicates = time.Minute }, pipeline: func(p *config.Pipeline) { p.Delivery = "at_least_once" },
			want: []string{"warning: sink.stream: OWN has duplicate_window=1m0s"},
		},
		"a short memory that does not matter": {own: func(s *settings) { s.Duplicates = time.Minute }},
		"small messages":                      {own: func(s *settings) { s.MaxMsgSize = 5000 }, want: []string{"warning: sink.stream: OWN takes messages of at most 5000 bytes, but source TX of 1048576"}},
		"tiny messages":                       {source: func(s *settings) { s.MaxMsgSize = 1000 }, own: func(s *settings) { s.MaxMsgSize = 4095 }, want: []string{"sink.stream: OWN takes messages of at most 4095 bytes, and the pipeline's own records take up to 4096"}},
		"small messages from small events":    {source: func(s *settings) { s.MaxMsgSize = 5000 }, own: func(s *settings) { s.MaxMsgSize = 5000 }},
		"subjects that it does not take":      {own: func(s *settings) { s.Subjects = []string{"p.>", "scored"} }, want: []string{`sink.stream: OWN takes ["p.>" "scored"], but not scored.*`}},
		"more subjects":                       {own: func(s *settings) { s.Subjects = []string{"p.>", "scored.>", "more"} }},
	} {
		t.Run(name, func(t *testing.T) {
			p := natsPipeline("tx.*.>")
			source, own := good()
			if tt.pipeline != nil {
				tt.pipeline(p)
			}
			if tt.source != nil {
				tt.source(&source)
			}
			if tt.own != nil {
				tt.own(&own)
			}
			js := jetStreamOf(t, &config.NATS{URL: startNATS(t).ClientURL()})
			addStream(t, js, source)
			addStream(t, js, own)
			got := told(CompareStreams(p, inspectStreams(t, js, p)))
			if len(got) != len(tt.want) {
				t.Fatalf("got %q", got)
			}
			for i := range got {
				if !strings.Contains(got[i], tt.want[i]) {
					t.Errorf("got %q, want %q", got[i], tt.want[i])
				}
			}
		})
	}
}

// TestStreamsOfALowDuplicateWindow: a server that remembers less than is good for at
// least once makes the streams all the same, and the window is warned of.
func TestStreamsOfALowDuplicateWindow(t *testing.T) {
	s := natstest.InProcess(t, func(o *server.Options) { o.JetStreamLimits.Duplicates = time.Minute })
	js := jetStreamOf(t, &config.NATS{URL: s.ClientURL()})
	p := natsPipeline("tx.*")
	p.Delivery = "at_least_once"
	if _, err := CreateStreams(soonCtx(t), js, inspectStreams(t, js, p), false); err != nil {
		t.Fatal(err)
	}
	if got := told(CompareStreams(p, inspectStreams(t, js, p))); len(got) != 1 || !strings.Contains(got[0], "OWN has duplicate_window=1m0s") {
		t.Errorf("got %q", got)
	}
}

// TestSealedStreams seals what was made, since a stream is not made so.
func TestSealedStreams(t *testing.T) {
	js := jetStreamOf(t, &config.NATS{URL: startNATS(t).ClientURL()})
	source, own := good()
	for _, s := range []jetstream.StreamConfig{source, own} {
		addStream(t, js, s)
		s.Sealed, s.Discard = true, jetstream.DiscardNew
		if _, err := js.UpdateStream(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	got := strings.Join(told(CompareStreams(natsPipeline("tx.*.>"), inspectStreams(t, js, natsPipeline("tx.*.>")))), "\n")
	if !strings.Contains(got, "warning: source.stream: TX is sealed") || !strings.Contains(got, "sink.stream: OWN has sealed=true") {
		t.Errorf("got %s", got)
	}
}

// TestSubjectsOfOthers: what the pipeline writes must be its own, which the
// server tells before a stream is made.
func TestSubjectsOfOthers(t *testing.T) {
	js := jetStreamOf(t, &config.NATS{URL: startNATS(t).ClientURL()})
	addStream(t, js, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.>", "scored.eu"}})
	addStream(t, js, jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"p.old"}})
	p := natsPipeline("tx.*")
	want := []string{
		"sink.stream: stream OWN (the pipeline's own) is missing",
		"name: p.> belongs to another stream, OTHER",
		`sink.subject: scored.* belongs to the source: stream TX takes ["tx.>" "scored.eu"], and what the pipeline publishes would come back as events`,
	}
	if got := told(CompareStreams(p, inspectStreams(t, js, p))); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	_, err := CreateStreams(soonCtx(t), js, inspectStreams(t, js, p), true)
	if d := Diagnose(err); d.Kind != Fatal || !strings.Contains(d.Hint, "another stream takes some of the subjects") {
		t.Errorf("%v: %s, %s", err, d.Kind, d.Hint)
	}
	p.Source.Stream = "XT"
	if got := told(CompareStreams(p, inspectStreams(t, js, p))); len(got) == 0 || got[0] != "source.stream: stream XT (source) is missing, and tx.* belongs to stream TX" {
		t.Errorf("got %q", got)
	}
}

// TestMirrorsAreRead: a mirror's subjects are its origin's.
func TestMirrorsAreRead(t *testing.T) {
	js := jetStreamOf(t, &config.NATS{URL: startNATS(t).ClientURL()})
	_, own := good()
	addStream(t, js, own)
	addStream(t, js, jetstream.StreamConfig{Name: "ORIGIN", Subjects: []string{"tx.>"}})
	addStream(t, js, jetstream.StreamConfig{Name: "TX", Mirror: &jetstream.StreamSource{Name: "ORIGIN"}})
	p := natsPipeline("tx.*")
	if got := told(CompareStreams(p, inspectStreams(t, js, p))); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}
