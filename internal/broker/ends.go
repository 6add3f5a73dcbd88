package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ErrMissing says that a topic is not there; it heals when it is created.
var ErrMissing = errors.New("not there")

// missing is an ErrMissing in words for a person.
type missing struct{ text string }

func (m *missing) Error() string { return m.text }
func (m *missing) Unwrap() error { return ErrMissing }

// ToCreate is an ErrMissing that says what is missing and how to create it. path
// is the config's.
func ToCreate(missed Finding, path string) error {
	return &missing{fmt.Sprintf("%s; create it, or have penstock create what is missing: penstock topics %s --create", missed.Text, path)}
}

// Ends are the offsets behind the last event of each partition; with
// readCommitted, behind the last one that no open transaction holds back.
func Ends(ctx context.Context, client *kgo.Client, topics []string, readCommitted bool) (Offsets, error) {
	admin := kadm.NewClient(client)
	list := admin.ListEndOffsets
	if readCommitted {
		list = admin.ListCommittedOffsets
	}
	listed, err := list(ctx, topics...)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("ask where topics end: %w", err)
	}
	ends := Offsets{}
	listed.Each(func(o kadm.ListedOffset) { ends.Set(o.Topic, o.Partition, o.Offset) })
	return ends, nil
}

// Reached tells whether a group has committed positions at or behind all of
// ends.
func Reached(ctx context.Context, client *kgo.Client, group string, ends Offsets) (bool, error) {
	committed, err := kadm.NewClient(client).FetchOffsets(ctx, group)
	if err == nil {
		err = committed.Error()
	}
	if err != nil {
		return false, fmt.Errorf("ask where group %s stands: %w", group, err)
	}
	for topic, partitions := range ends {
		for partition, end := range partitions {
			if at, ok := committed.Lookup(topic, partition); !ok || at.At < end {
				return false, nil
			}
		}
	}
	return true, nil
}
