package pipeline_test

import (
	"testing"

	"github.com/penstock/penstock"
)

// words are events that look like what a server says beside messages: a header
// Status, and no body.
func words(partition int32) []record {
	var all []record
	for _, status := range []string{"100", "200", "404", "408", "409", "503"} {
		all = append(all, record{Partition: partition, Value: []byte{}, Headers: []penstock.Header{
			{Key: "Status", Value: []byte(status)}, {Key: "Description", Value: []byte("Consumer Deleted")}, {Key: "Nats-Pending-Messages", Value: []byte("9")},
		}})
	}
	return all
}

// TestNATSEventsLikeWords: an event that looks like a word of the server's is a dead
// letter like any other without a body, wherever it is, and its letter looks like no
// such word.
func TestNATSEventsLikeWords(t *testing.T) {
	onNATS(t, func(t *testing.T, s *natsStream, exactlyOnce bool) {
		s.Create(t, 2, 1)
		s.Publish(t, numbered(1, 20, 2)...)
		s.Publish(t, words(0)...)
		s.Publish(t, numbered(21, 40, 2)...)
		for _, word := range words(1) { // the last of a filter
			s.Publish(t, word)
			toTheEnd(t, s, exactlyOnce)
		}
		settled(t, s.Read(t, sink, 40), 1, 40)
		letters := s.Read(t, deadLetters, len(words(0))+len(words(1)))
		for i := range letters {
			if len(letters[i].Value) > 0 || letters[i].header("Status") != "" || letters[i].header("Description") == "" {
				t.Errorf("letter %+v", letters[i])
			}
		}
		if want := len(words(0)) + len(words(1)); len(letters) != want {
			t.Errorf("%d letters, want %d", len(letters), want)
		}
	})
}

// toTheEnd has a pipeline score what there is.
func toTheEnd(t *testing.T, s *natsStream, exactlyOnce bool) {
	t.Helper()
	if err := pipelineOf(t, s, exactlyOnce, &doubler{}, func(o *setup) { o.config.UntilEnd = true }).wait(); err != nil {
		t.Fatal(err)
	}
}
