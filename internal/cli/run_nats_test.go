//go:build cgo

package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// onNATS are the settings that have the example run on NATS.
func onNATS(broker string, more ...string) []string {
	var all []string
	for _, set := range append([]string{
		"broker=" + broker, "source={stream: TX, filter_subjects: [\"tx.{0..3}\"], event_time: event_time}", "sink={stream: FRAUD}", `listen=""`,
	}, more...) {
		all = append(all, "--set", set)
	}
	return all
}

// TestRunOnNATSPublishesWhatPredictSays is TestRunPublishesWhatPredictSays on a
// server of its own, and on one in the process.
func TestRunOnNATSPublishesWhatPredictSays(t *testing.T) {
	want := predictedLines(t)
	for _, delivery := range []string{"exactly_once", "at_least_once"} {
		t.Run(delivery, func(t *testing.T) {
			s := startNATS(t, "")
			addStream(t, s, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.*"}})
			js := jetStream(t, s)
			lines := publishExampleOnNATS(t, js)
			runExample(t, onNATS("{nats: {url: \""+s.ClientURL()+"\"}}", "delivery="+delivery)...)
			comparePredictions(t, js, lines, want)
		})
		t.Run(delivery+", embedded", func(t *testing.T) {
			dir := t.TempDir()
			server := openDir(t, dir)
			js := within(t, server)
			if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.*"}}); err != nil {
				t.Fatal(err)
			}
			lines := publishExampleOnNATS(t, js)
			server.Close()
			runExample(t, onNATS("{embedded: {dir: \""+dir+"\"}}", "delivery="+delivery)...)
			comparePredictions(t, within(t, openDir(t, dir)), lines, want)
		})
	}
}

// publishExampleOnNATS publishes the example's events and gives their lines by
// id.
func publishExampleOnNATS(t *testing.T, js jetstream.JetStream) map[string]int {
	t.Helper()
	events, err := os.ReadFile(filepath.Join(cardFraud, "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]int{}
	n := 0
	for line := range bytes.Lines(events) {
		subject := fmt.Sprintf("tx.%d", n%4)
		ack, err := js.Publish(t.Context(), subject, bytes.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		lines[fmt.Sprintf("TX/%s/%d", subject, ack.Sequence)] = n
		n++
	}
	return lines
}

// runExample runs the example to its end.
func runExample(t *testing.T, flags ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	runWith(ctx, t, "", append([]string{"run", filepath.Join(cardFraud, "pipeline.yaml"), "--until-end"}, flags...)...).want(t, 0)
	if ctx.Err() != nil {
		t.Fatal("it did not end by itself")
	}
}

// comparePredictions holds the predictions in FRAUD against predict's: one of
// each event.
func comparePredictions(t *testing.T, js jetstream.JetStream, lines map[string]int, want map[int]map[string]any) {
	t.Helper()
	messages := messagesOf(t, js, "FRAUD", "card-fraud.predictions")
	seen := map[string]bool{}
	for _, m := range messages {
		id, p := unplaced(t, m.Data())
		line, ok := lines[id]
		switch {
		case !ok:
			t.Fatalf("a prediction of %s, which was not published", id)
		case seen[id]:
			t.Errorf("a second prediction of %s", id)
		case !reflect.DeepEqual(p, want[line]):
			t.Errorf("%s: %v, but predict says of line %d: %v", id, p, line, want[line])
		}
		seen[id] = true
	}
	if len(seen) != len(want) {
		t.Errorf("%d predictions, want %d", len(seen), len(want))
	}
}

// TestRunOnNATSSaysWhatIsMissing checks a run that nobody is going to mend.
func TestRunOnNATSSaysWhatIsMissing(t *testing.T) {
	s := startNATS(t, "")
	broker := "{nats: {url: \"" + s.ClientURL() + "\"}}"
	run(t, "", append([]string{"run", filepath.Join(cardFraud, "pipeline.yaml"), "--until-end"}, onNATS(broker)...)...).want(t, 1,
		"stream TX (source) is missing; create it, or have penstock create what is missing: penstock topics "+filepath.Join(cardFraud, "pipeline.yaml")+" --create")
	runExample(t, onNATS(broker, "create_topics=true")...)
}

// TestRunOnNATSKnowsTheLargestMessage: what is larger than the own stream takes is a
// dead letter, and no epoch that the server refuses again and again.
func TestRunOnNATSKnowsTheLargestMessage(t *testing.T) {
	for _, delivery := range []string{"exactly_once", "at_least_once"} {
		t.Run(delivery, func(t *testing.T) {
			s := startNATS(t, "")
			js := jetStream(t, s)
			addStream(t, s, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.*"}})
			addStream(t, s, jetstream.StreamConfig{
				Name: "FRAUD", Subjects: []string{"card-fraud.>"}, Discard: jetstream.DiscardNew, MaxMsgSize: 5000,
				AllowAtomicPublish: true, AllowRollup: true, AllowMsgTTL: true, AllowDirect: true,
			})
			events, err := os.ReadFile(filepath.Join(cardFraud, "events.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			event, _, _ := bytes.Cut(events, []byte("\n"))
			id := []byte(`"transaction_id":"`) // which the prediction repeats
			long := bytes.Replace(event, id, append(id, bytes.Repeat([]byte("x"), 6000)...), 1)
			for _, value := range [][]byte{event, long} {
				if _, err := js.Publish(t.Context(), "tx.0", value); err != nil {
					t.Fatal(err)
				}
			}
			runExample(t, onNATS("{nats: {url: \""+s.ClientURL()+"\"}}", "delivery="+delivery)...)
			predictions, dead := messagesOf(t, js, "FRAUD", "card-fraud.predictions"), messagesOf(t, js, "FRAUD", "card-fraud.dead")
			if len(predictions) != 1 || len(dead) != 1 || dead[0].Headers().Get("penstock-error-class") != "too_large" {
				t.Errorf("%d predictions and %d dead letters", len(predictions), len(dead))
			}
		})
	}
}

// TestRunOnNATSWithALostPosition makes the source anew: where to go on is for the
// user to say.
func TestRunOnNATSWithALostPosition(t *testing.T) {
	s := startNATS(t, "")
	js := jetStream(t, s)
	flags := onNATS("{nats: {url: \"" + s.ClientURL() + "\"}}")
	source := jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.*"}}
	addStream(t, s, source)
	lines := publishExampleOnNATS(t, js)
	runExample(t, flags...)
	if err := js.DeleteStream(t.Context(), "TX"); err != nil {
		t.Fatal(err)
	}
	addStream(t, s, source)
	publishExampleOnNATS(t, js)
	lost := append([]string{"run", filepath.Join(cardFraud, "pipeline.yaml"), "--until-end"}, flags...)
	run(t, "", lost...).want(t, 1, "--from earliest")
	if n := len(messagesOf(t, js, "FRAUD", "card-fraud.predictions")); n != len(lines) {
		t.Errorf("%d predictions after a refusal, want %d", n, len(lines))
	}
	run(t, "", append(lost, "--from", "earliest")...).want(t, 0)
	if n := len(messagesOf(t, js, "FRAUD", "card-fraud.predictions")); n != 2*len(lines) {
		t.Errorf("%d predictions, want %d", n, 2*len(lines))
	}
}

// TestRunOnNATSNamesAMissingRight checks that it ends, and does not wait for
// answers that never come, whenever it is that the right is needed.
func TestRunOnNATSNamesAMissingRight(t *testing.T) {
	both := []string{
		"$JS.API.STREAM.INFO.FRAUD", "$JS.API.STREAM.CREATE.FRAUD", "$JS.API.STREAM.INFO.TX", // the streams
		"$JS.API.CONSUMER.CREATE.FRAUD.>", "$JS.API.CONSUMER.MSG.NEXT.FRAUD.*", "$JS.API.DIRECT.GET.FRAUD.>", // the group, and positions
		"$JS.API.CONSUMER.CREATE.TX.>", "$JS.API.CONSUMER.MSG.NEXT.TX.*", // events
		"card-fraud.>", "card-fraud.predictions",
	}
	for delivery, denied := range map[string][]string{
		"exactly_once":  both,
		"at_least_once": append(both, "$JS.API.CONSUMER.INFO.TX.*", "$JS.ACK.TX.>"),
	} {
		for _, subject := range denied {
			t.Run(delivery+" "+subject, func(t *testing.T) {
				s := startNATS(t, users(`permissions: {publish: {deny: "`+subject+`"}}`))
				addStream(t, s, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.*"}})
				publishExampleOnNATS(t, jetStream(t, s))
				start := time.Now()
				r := run(t, "", append([]string{"run", filepath.Join(cardFraud, "pipeline.yaml")}, onNATS("{nats: {url: \""+s.ClientURL()+"\", user: ann, password: hush}}", "delivery="+delivery)...)...)
				r.want(t, 1, "the user may not publish to "+strings.TrimRight(subject, "*>"), ": penstock topics CONFIG prints the permissions")
				if took := time.Since(start); took > 8*time.Second || strings.Contains(r.err, "hush") {
					t.Errorf("it took %s and says\n%s", took, r.err)
				}
			})
		}
	}
}

// TestPositionResetHasEventsScoredAgain runs the example, moves it back and runs
// it again.
func TestPositionResetHasEventsScoredAgain(t *testing.T) {
	for _, delivery := range []string{"exactly_once", "at_least_once"} {
		t.Run(delivery, func(t *testing.T) {
			s := startNATS(t, "")
			addStream(t, s, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.*"}})
			js := jetStream(t, s)
			lines := publishExampleOnNATS(t, js)
			flags := onNATS("{nats: {url: \""+s.ClientURL()+"\"}}", "delivery="+delivery)
			runExample(t, flags...)
			position := func(args ...string) string {
				return run(t, "", append(append([]string{"position", args[0], filepath.Join(cardFraud, "pipeline.yaml")}, args[1:]...), flags...)...).want(t, 0).out
			}
			if done := position("show"); strings.Count(done, " 0    -\n") != 4 {
				t.Errorf("after all is done:\n%s", done)
			}
			// At least once the server drops what it has seen in the last minutes.
			if err := js.DeleteStream(t.Context(), "FRAUD"); err != nil {
				t.Fatal(err)
			}
			position("reset", "--to", "latest")
			runExample(t, flags...)
			if n := len(messagesOf(t, js, "FRAUD", "card-fraud.predictions")); n != 0 {
				t.Errorf("%d predictions after a reset to the end", n)
			}
			position("reset", "--to", "earliest")
			runExample(t, flags...)
			if n := len(messagesOf(t, js, "FRAUD", "card-fraud.predictions")); n != len(lines) {
				t.Errorf("%d predictions, want %d again", n, len(lines))
			}
		})
	}
}

// TestPositionResetOutlivesAChangedList resets under one list of filters, and goes
// on under the one before it.
func TestPositionResetOutlivesAChangedList(t *testing.T) {
	s := startNATS(t, "")
	addStream(t, s, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.*"}})
	js := jetStream(t, s)
	lines := publishExampleOnNATS(t, js)
	before := onNATS("{nats: {url: \"" + s.ClientURL() + "\"}}")
	runExample(t, before...)
	after := append(slices.Clone(before), "--set", "source.filter_subjects=[\"tx.*\"]")
	run(t, "", append([]string{"position", "reset", filepath.Join(cardFraud, "pipeline.yaml"), "--to", "earliest"}, after...)...).want(t, 0)
	runExample(t, before...)
	if n := len(messagesOf(t, js, "FRAUD", "card-fraud.predictions")); n != 2*len(lines) {
		t.Errorf("%d predictions, want %d and %[2]d again", n, len(lines))
	}
}

// TestPipelinesShareAnEmbeddedServer runs two pipelines of one dir: what the
// first publishes, the second reads.
func TestPipelinesShareAnEmbeddedServer(t *testing.T) {
	dir := t.TempDir()
	model, err := filepath.Abs(filepath.Join(models, "iris_rf", "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	config := func(name, source, more string) string {
		return writeFile(t, name+".yaml", fmt.Sprintf(`name: %s
broker: {embedded: {dir: %s%s}}
source: {%s}
sink: {stream: %s}
model: {path: %s, inputs: {X: [a, b, c, d]}, output: {pass: [a, b, c, d]}}
listen: ""
`, name, dir, more, source, strings.ToUpper(name), model))
	}
	first := config("one", "stream: IN, filter_subjects: [in]", "")
	second := config("two", "stream: IN, filter_subjects: [in]", "")
	server := openDir(t, dir)
	js := within(t, server)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "IN", Subjects: []string{"in"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "in", []byte(goodIris)); err != nil {
		t.Fatal(err)
	}
	server.Close()
	run(t, "", "run", first, second, "--until-end").want(t, 0)
	js = within(t, openDir(t, dir))
	for stream, subject := range map[string]string{"ONE": "one.predictions", "TWO": "two.predictions"} {
		if n := len(messagesOf(t, js, stream, subject)); n != 1 {
			t.Errorf("%s has %d predictions", stream, n)
		}
	}
	run(t, "", "run", first, "--until-end").want(t, 1, "another process keeps its streams in "+dir)
	other := config("two", "stream: IN, filter_subjects: [in]", ", max_bytes: 1GiB")
	run(t, "", "run", config("one", "stream: IN, filter_subjects: [in]", ""), other, "--set", "broker.embedded.dir="+t.TempDir()).want(t, 2,
		"listen, users_file and max_bytes of their broker.embedded must be the same")
}

// TestReadyzShowsTheEmbeddedServer takes the server's folder away for a while.
func TestReadyzShowsTheEmbeddedServer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	listen := freeAddress(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan result, 1)
	go func() {
		done <- runWith(ctx, t, "", append([]string{"run", filepath.Join(cardFraud, "pipeline.yaml")}, onNATS("{embedded: {dir: \""+dir+"\"}}", "listen="+listen)...)...)
	}()
	awaitReadyz(t, listen, "ready\n", http.StatusOK)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	awaitReadyz(t, listen, "card-fraud: broker: the embedded NATS has no room left in "+dir, http.StatusServiceUnavailable)
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	awaitReadyz(t, listen, "ready\n", http.StatusOK)
	stop()
	(<-done).want(t, 0)
}

// awaitReadyz waits until a process answers so.
func awaitReadyz(t *testing.T, listen, text string, code int) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var last string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		response, err := client.Get("http://" + listen + "/readyz?verbose")
		if err != nil {
			continue // it does not listen yet
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		last = string(body)
		if err == nil && response.StatusCode == code && strings.Contains(last, text) {
			return
		}
	}
	t.Fatalf("readyz never says %q; at last it said\n%s", text, last)
}
