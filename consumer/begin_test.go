package consumer

import (
	"errors"
	"strings"
	"testing"
)

func TestBegin(t *testing.T) {
	id := "11"
	had := &knownPosition{TopicID: id}
	read := &knownTopic{ID: id, Partitions: 4}
	for _, tt := range []struct {
		name         string
		place        place
		policy, from string
		want         beginning
		lost         string
	}{
		{"committed", place{committed: 7, start: 5, end: 9, known: had, seen: read}, Earliest, "", beginning{offset: 7}, ""},
		{"committed at the start", place{committed: 5, start: 5, end: 9, known: had, seen: read}, Latest, "", beginning{offset: 5}, ""},
		{"committed at the end", place{committed: 9, start: 5, end: 9, known: had, seen: read}, Earliest, "", beginning{offset: 9}, ""},
		{"committed by somebody else before", place{committed: 7, start: 5, end: 9}, Latest, "", beginning{offset: 7}, ""},
		{"from is for lost ones only", place{committed: 7, start: 5, end: 9, known: had, seen: read}, Earliest, Latest, beginning{offset: 7}, ""},
		{"new, earliest", place{committed: -1, start: 5, end: 9}, Earliest, "", beginning{offset: 5}, ""},
		{"new, latest", place{committed: -1, start: 5, end: 9}, Latest, "", beginning{offset: 9}, ""},
		{"new, from is for lost ones only", place{committed: -1, start: 5, end: 9}, Latest, Earliest, beginning{offset: 9}, ""},
		{"new in a topic that was read, latest", place{committed: -1, start: 5, end: 9, partition: 3, seen: read}, Latest, "", beginning{offset: 9}, ""},
		{"added, latest", place{committed: -1, start: 0, end: 9, partition: 4, seen: read}, Latest, "", beginning{offset: 0}, ""},
		{"retention overtook it", place{committed: 2, start: 5, end: 9, known: had, seen: read}, Latest, "", beginning{offset: 5, expired: 3}, ""},
		{"expired", place{committed: -1, start: 5, end: 9, known: had, seen: read}, Latest, "", beginning{}, "has none any more"},
		{"expired, from earliest", place{committed: -1, start: 5, end: 9, known: had, seen: read}, Latest, Earliest, beginning{offset: 5, chosen: true}, ""},
		{"expired, from latest", place{committed: -1, start: 5, end: 9, known: had, seen: read}, Earliest, Latest, beginning{offset: 9, chosen: true}, ""},
		{"expired in a partition that was added", place{committed: -1, end: 9, partition: 4, known: had, seen: read}, Earliest, "", beginning{}, "has none any more"},
		{"behind the end", place{committed: 10, start: 5, end: 9, known: had, seen: read}, Earliest, "", beginning{}, "behind the last record at 9"},
		{"behind the end, never read by us", place{committed: 10, start: 5, end: 9}, Earliest, "", beginning{}, "behind the last record at 9"},
		{"recreated", place{committed: 7, start: 0, end: 9, known: &knownPosition{TopicID: "22"}}, Earliest, "", beginning{}, "created again"},
		{"recreated, no position left", place{committed: -1, start: 0, end: 9, known: &knownPosition{TopicID: "22"}, seen: &knownTopic{ID: "22"}}, Latest, "", beginning{}, "created again"},
		{"recreated with more partitions", place{committed: -1, start: 0, end: 9, partition: 5, seen: &knownTopic{ID: "22", Partitions: 4}}, Latest, "", beginning{}, "created again"},
		{"recreated, from latest", place{committed: 7, start: 0, end: 9, known: &knownPosition{TopicID: "22"}}, Earliest, Latest, beginning{offset: 9, chosen: true}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.place.topic, tt.place.topicID = "in", id
			got, err := tt.place.begin(tt.policy, tt.from)
			if got != tt.want {
				t.Errorf("begins at %+v, want %+v", got, tt.want)
			}
			if lost := errors.Is(err, ErrPositionLost); lost != (tt.lost != "") || lost && !strings.Contains(err.Error(), tt.lost) {
				t.Errorf("error %v, want one of %q", err, tt.lost)
			}
		})
	}
}
