package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/natstest"
)

// TestBusyServersDoNotEndTheProcess holds our table against the server's own
// word: what it calls busy or not available must heal.
func TestBusyServersDoNotEndTheProcess(t *testing.T) {
	for _, e := range server.ApiErrors {
		if e.Code != 503 && e.Code != 429 {
			continue
		}
		switch d := diagnoseAnswer(&jetstream.APIError{Code: e.Code, ErrorCode: jetstream.ErrorCode(e.ErrCode), Description: e.Description}); {
		case d.Kind == Transient, d.Kind == Rebuild:
		case d.Kind == Denied && strings.Contains(e.Description, "not enabled"): // until somebody enables it
		default:
			t.Errorf("%s (%d) is %d, but %s", e.Description, e.ErrCode, e.Code, d.Kind)
		}
	}
}

// TestCodesAreTheServers: the codes that we name mean what we take them for.
func TestCodesAreTheServers(t *testing.T) {
	for code, id := range map[jetstream.ErrorCode]server.ErrorIdentifier{
		codeResources: server.JSInsufficientResourcesErr, codeAccountResources: server.JSAccountResourcesExceededErr,
		codeMemory: server.JSMemoryResourcesExceededErr, codeStorage: server.JSStorageResourcesExceededErr,
		codeHeaderTooLarge: server.JSStreamHeaderExceedsMaximumErr, codeInvalidConfig: server.JSStreamInvalidConfigF,
		codeOtherStream: server.JSStreamNotMatchErr, codeSubjectsOverlap: server.JSStreamSubjectOverlapErr,
		codeStreamReplicas: server.JSStreamReplicasNotSupportedErr, codeStore: server.JSStreamStoreFailedF,
		codeQueueWhole: server.JSConsumerWQMultipleUnfilteredErr, codeQueueShared: server.JSConsumerWQConsumerNotUniqueErr,
		codeSealed: server.JSStreamSealedErr, codeRollup: server.JSStreamRollupFailedF,
		codeMaxStreamBytes: server.JSStreamMaxStreamBytesExceeded, codeMsgIDInProcess: server.JSStreamDuplicateMessageConflict,
		codeTTLInvalid: server.JSMessageTTLInvalidErr, codeTTLDisabled: server.JSMessageTTLDisabledErr,
		codeBatchDisabled: server.JSAtomicPublishDisabledErr, codeBatchSequence: server.JSAtomicPublishMissingSeqErr,
		codeBatchIncomplete: server.JSAtomicPublishIncompleteBatchErr, codeBatchHeader: server.JSAtomicPublishUnsupportedHeaderBatchErr,
		codeBatchID: server.JSAtomicPublishInvalidBatchIDErr, codeBatchTooLarge: server.JSAtomicPublishTooLargeBatchErrF,
		codeBatchCommit: server.JSAtomicPublishInvalidBatchCommitErr, codeBatchDuplicate: server.JSAtomicPublishContainsDuplicateMessageErr,
		codeMaxStreams: server.JSMaximumStreamsLimitErr, codeStreamOffline: server.JSStreamOfflineErr,
		codeConsumerOffline: server.JSConsumerOfflineErr, codeConsumerOfflineFor: server.JSConsumerOfflineReasonErrF,
		codeStreamOfflineFor: server.JSStreamOfflineReasonErrF, codeNotLeader: server.JSClusterNotLeaderErr, codeRaft: server.JSRaftGeneralErrF,
	} {
		if got := server.ApiErrors[id].ErrCode; got != uint16(code) {
			t.Errorf("%s is %d, not %d", server.ApiErrors[id].Description, got, code)
		}
	}
}

// answer publishes and gives the server's error.
func answer(t *testing.T, conn *nats.Conn, subject string, headers map[string]string, data []byte) error {
	t.Helper()
	m := nats.NewMsg(subject)
	m.Data = data
	for name, value := range headers {
		m.Header.Set(name, value)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	_, err = js.PublishMsg(soonCtx(t), m, jetstream.WithRetryAttempts(0))
	return err
}

// batch is the headers of a batch of one message, with more.
func batch(id string, more map[string]string) map[string]string {
	all := map[string]string{"Nats-Batch-Id": id, "Nats-Batch-Sequence": "1", "Nats-Batch-Commit": "1"}
	maps.Copy(all, more)
	return all
}

// TestNATSAnswers provokes a real server.
func TestNATSAnswers(t *testing.T) {
	s := startNATS(t, natstest.Configured(t, `
		max_payload: 10000
		jetstream: {max_file_store: 1MB, max_memory_store: 1MB, limits: {default_max_consumers: 2, batch: {max_msgs: 2, max_inflight_per_stream: 1}}}
		accounts: {
			JS: {jetstream: enabled, users: [{user: ann, password: a, permissions: {publish: {deny: secret}, subscribe: {deny: hidden}}}]}
			PLAIN: {users: [{user: bob, password: b}]}
		}`))
	ann, bob := &config.NATS{URL: s.ClientURL(), User: "ann", Password: "a"}, &config.NATS{URL: s.ClientURL(), User: "bob", Password: "b"}
	js := jetStreamOf(t, ann)
	conn := js.Conn()
	own := jetstream.StreamConfig{Name: "OWN", Subjects: []string{"own.>"}, AllowAtomicPublish: true, AllowRollup: true, AllowMsgTTL: true, Duplicates: time.Minute}
	addStream(t, js, own)
	addStream(t, js, jetstream.StreamConfig{Name: "BARE", Subjects: []string{"bare.>"}, MaxMsgSize: 500})
	addStream(t, js, jetstream.StreamConfig{Name: "FULL", Subjects: []string{"full.>"}, MaxBytes: 200, Discard: jetstream.DiscardNew})
	addStream(t, js, jetstream.StreamConfig{Name: "QUEUE", Subjects: []string{"queue.>"}, Retention: jetstream.WorkQueuePolicy})
	addStream(t, js, jetstream.StreamConfig{Name: "LIMITED", Subjects: []string{"limited.>"}, MaxConsumers: 1})
	addStream(t, js, jetstream.StreamConfig{Name: "SEALED", Subjects: []string{"sealed.>"}})
	if _, err := js.UpdateStream(t.Context(), jetstream.StreamConfig{Name: "SEALED", Subjects: []string{"sealed.>"}, Sealed: true}); err != nil {
		t.Fatal(err)
	}
	consume := func(stream string, names ...string) (err error) {
		for _, name := range names {
			_, err = js.CreateOrUpdateConsumer(soonCtx(t), stream, jetstream.ConsumerConfig{Durable: name, AckPolicy: jetstream.AckExplicitPolicy})
		}
		return err
	}
	if err := answer(t, conn, "own.a", map[string]string{"Nats-Msg-Id": "1"}, nil); err != nil {
		t.Fatal(err)
	}
	big := bytes.Repeat([]byte{'x'}, 11_000)
	for _, tt := range []struct {
		name string
		err  error
		kind Kind
		hint string
	}{
		{"a stale position", answer(t, conn, "own.a", batch("a", map[string]string{"Nats-Expected-Last-Subject-Sequence": "7"}), nil), Rebuild, ""},
		{"a batch without its beginning", answer(t, conn, "own.a", map[string]string{"Nats-Batch-Id": "b", "Nats-Batch-Sequence": "2", "Nats-Batch-Commit": "1"}, nil), Rebuild, ""},
		{"a batch that is too large", tooLarge(t, conn), TooLarge, "max_msgs of jetstream.limits.batch"},
		{"a batch with what is there", answer(t, conn, "own.a", batch("c", map[string]string{"Nats-Msg-Id": "1"}), nil), Rebuild, ""},
		{"too many batches", tooMany(t, conn), Transient, "in flight"},
		{"no batches there", answer(t, conn, "bare.a", batch("d", nil), nil), Fatal, "does not allow atomic batches"},
		{"no TTL there", answer(t, conn, "bare.a", map[string]string{"Nats-TTL": "1s"}, nil), Fatal, "does not allow message TTLs"},
		{"no rollup there", answer(t, conn, "bare.a", map[string]string{"Nats-Rollup": "sub"}, nil), Fatal, "does not allow rollups"},
		{"another stream", answer(t, conn, "own.a", map[string]string{"Nats-Expected-Stream": "BARE"}, nil), Fatal, "another stream than sink.stream"},
		{"sealed", answer(t, conn, "sealed.a", nil, nil), Fatal, "is sealed"},
		{"larger than the stream takes", answer(t, conn, "bare.a", nil, big[:1000]), TooLarge, "max_msg_size"},
		{"larger than the server takes", answer(t, conn, "own.a", nil, big), TooLarge, "max_payload"},
		{"a full stream", answer(t, conn, "full.a", nil, big[:1000]), Transient, "raise its max_bytes"},
		{"no stream takes it", answer(t, conn, "nobody", nil, nil), Transient, "a stream that takes the subject"},
		{"no room", func() error {
			_, err := js.CreateStream(soonCtx(t), jetstream.StreamConfig{Name: "HUGE", Subjects: []string{"huge"}, MaxBytes: 1 << 30})
			return err
		}(), Transient, "no room left"},
		{"subjects of another", func() error {
			_, err := js.CreateStream(soonCtx(t), jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"own.x"}})
			return err
		}(), Fatal, "another stream takes some of the subjects"},
		{"no such stream", func() error { _, err := js.Stream(soonCtx(t), "NONE"); return err }(), Missing, "--create"},
		{"no such consumer", func() error { _, err := js.Consumer(soonCtx(t), "OWN", "none"); return err }(), Rebuild, ""},
		{"a consumer too many", consume("LIMITED", "a", "b"), Transient, "raise its max_consumers"},
		{"a consumer more than the server's default", consume("OWN", "a", "b", "c"), Transient, "default_max_consumers of jetstream.limits"},
		{"a work queue's second consumer", consume("QUEUE", "a", "b"), Fatal, "work queue"},
		{"no JetStream in the account", func() error { _, err := jetStreamOf(t, bob).AccountInfo(soonCtx(t)); return err }(), Denied, "account has no JetStream"},
		{"a subject that is refused", refused(t, ann, func(c *nats.Conn) error { return c.Publish("secret", nil) }), Denied, "may not publish to secret: penstock topics"},
		{"a subscription that is refused", refused(t, ann, func(c *nats.Conn) error { _, err := c.SubscribeSync("hidden"); return err }), Denied, "may not subscribe to hidden: penstock topics"},
	} {
		d := Diagnose(tt.err)
		if tt.err == nil || d.Kind != tt.kind || !strings.Contains(d.Hint, tt.hint) || tt.hint == "" && d.Hint != "" {
			t.Errorf("%s: %v gives %s and %q, want %s and %q", tt.name, tt.err, d.Kind, d.Hint, tt.kind, tt.hint)
		}
	}
}

// tooLarge sends a batch of one message more than there may be.
func tooLarge(t *testing.T, conn *nats.Conn) error {
	t.Helper()
	for i := range 2 {
		m := nats.NewMsg("own.large")
		m.Header.Set("Nats-Batch-Id", "large")
		m.Header.Set("Nats-Batch-Sequence", fmt.Sprint(i+1))
		if err := conn.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	return answer(t, conn, "own.large", map[string]string{"Nats-Batch-Id": "large", "Nats-Batch-Sequence": "3", "Nats-Batch-Commit": "1"}, nil)
}

// tooMany opens a batch while another is open, and more may not be.
func tooMany(t *testing.T, conn *nats.Conn) error {
	t.Helper()
	m := nats.NewMsg("own.many")
	m.Header.Set("Nats-Batch-Id", "open")
	m.Header.Set("Nats-Batch-Sequence", "1")
	if err := conn.PublishMsg(m); err != nil {
		t.Fatal(err)
	}
	err := answer(t, conn, "own.many", batch("another", nil), nil)
	if ended := answer(t, conn, "own.many", map[string]string{"Nats-Batch-Id": "open", "Nats-Batch-Sequence": "2", "Nats-Batch-Commit": "1"}, nil); ended != nil {
		t.Fatal(ended)
	}
	return err
}

// refused does what the server says no to, and gives what it says.
func refused(t *testing.T, n *config.NATS, do func(*nats.Conn) error) error {
	t.Helper()
	l := &NATSLiveness{}
	conn := watched(t, l, n)
	ctx, stop := l.Guard(soonCtx(t))
	defer stop()
	if err := do(conn); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// TestNATSWithoutJetStream asks a server that has none.
func TestNATSWithoutJetStream(t *testing.T) {
	s := startNATS(t, func(o *server.Options) { o.JetStream = false })
	_, err := jetStreamOf(t, &config.NATS{URL: s.ClientURL()}).Stream(soonCtx(t), "OWN")
	if d := Diagnose(err); d.Kind != Transient || !strings.Contains(d.Hint, "is JetStream enabled") {
		t.Errorf("%v gives %s, %s", err, d.Kind, d.Hint)
	}
}

func TestCheckServer(t *testing.T) {
	s := startNATS(t)
	if err := CheckServer(jetStreamOf(t, &config.NATS{URL: s.ClientURL()}).Conn()); err != nil {
		t.Error(err)
	}
	for version, old := range map[string]bool{
		"2.13.9": true, "1.4.1": true, "2.9.0-beta.1": true, "2.14.0": false, "2.14.0-RC.1": false, "3.0.0": false, "": false, "nightly": false,
	} {
		err := checkVersion(version)
		if (err != nil) != old {
			t.Errorf("%q: %v", version, err)
		}
		if d := Diagnose(err); old && (d.Kind != Fatal || !strings.Contains(d.Hint, "2.14 or later")) {
			t.Errorf("%s: %s, %s", version, d.Kind, d.Hint)
		}
	}
}

// TestDiagnoseNATS has what no server can be made to say in a test.
func TestDiagnoseNATS(t *testing.T) {
	code := func(code int, number jetstream.ErrorCode) error {
		return fmt.Errorf("commit: %w", &jetstream.APIError{Code: code, ErrorCode: number})
	}
	for _, tt := range []struct {
		err  error
		kind Kind
		hint string
	}{
		{code(400, jetstream.JSErrCodeStreamWrongLastSequenceConstant), Rebuild, ""}, // of replicated streams
		{code(503, codeStore), Transient, "disk"},
		{code(503, 10008), Transient, ""},
		{code(500, codeStorage), Transient, "no room left"},
		{code(400, 10003), Rebuild, ""},
		{nats.ErrTimeout, Transient, "may the user publish and subscribe"},
		{&natsError{context.DeadlineExceeded}, Transient, "may the user publish and subscribe"},
		{nats.ErrAuthExpired, Denied, "expired"},
		{errors.New("nats: User Authentication Revoked"), Denied, "revoked"},
		{nats.ErrMaxConnectionsExceeded, Transient, "max_connections"},
		{nats.ErrStaleConnection, Transient, "broke off"},
		{nats.ErrConnectionClosed, Rebuild, ""},
	} {
		got := Diagnose(tt.err)
		if got.Kind != tt.kind || !strings.Contains(got.Hint, tt.hint) || tt.hint == "" && got.Hint != "" {
			t.Errorf("%v: got %s and %q, want %s and %q", tt.err, got.Kind, got.Hint, tt.kind, tt.hint)
		}
	}
}
