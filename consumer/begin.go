package consumer

import (
	"errors"
	"fmt"
)

// ErrPositionLost says that where a partition stood cannot be known any more:
// to begin anywhere would lose events or repeat them. Stop, and have the user
// choose with --from.
var ErrPositionLost = errors.New("the position is lost")

// Where a partition may begin.
const (
	Earliest = "earliest"
	Latest   = "latest"
)

// place is what is known of a partition when a worker gets it.
type place struct {
	topic     string
	partition int32
	topicID   string
	committed int64 // the group's position; negative: none
	start     int64 // the first record's offset
	end       int64 // the offset behind the last record

	known *knownPosition // nil: it has never had a position
	seen  *knownTopic    // nil: the topic has never been read
}

// beginning is where a partition begins.
type beginning struct {
	offset  int64
	expired int64 // events that retention removed before they were read
	chosen  bool  // by from, in place of a position that is lost
}

// begin decides where a partition begins. policy is for one that never had a
// position, from for one whose position is lost; empty refuses that.
func (p *place) begin(policy, from string) (beginning, error) {
	if lost := p.lost(); lost != "" {
		if from == "" {
			return beginning{}, fmt.Errorf("%s/%d: %s, so that %w: choose where it goes on with --from earliest (may repeat) or --from latest (may skip)",
				p.topic, p.partition, lost, ErrPositionLost)
		}
		return beginning{offset: p.resolve(from), chosen: true}, nil
	}
	switch {
	case p.committed >= p.start:
		return beginning{offset: p.committed}, nil
	case p.committed >= 0:
		return beginning{offset: p.start, expired: p.start - p.committed}, nil
	case p.seen != nil && int(p.partition) >= p.seen.Partitions:
		// It was added while the pipeline ran: all in it came since.
		return beginning{offset: p.start}, nil
	default:
		return beginning{offset: p.resolve(policy)}, nil
	}
}

// lost says why there is no position to go on from; empty when all is well.
func (p *place) lost() string {
	recreated := p.known != nil && p.known.TopicID != p.topicID || p.seen != nil && p.seen.ID != p.topicID
	switch {
	case recreated:
		return "it was deleted and created again"
	case p.committed > p.end:
		return fmt.Sprintf("the group stands at %d, behind the last record at %d", p.committed, p.end)
	case p.committed < 0 && p.known != nil:
		return "the group had a position and has none any more (expired, or deleted)"
	}
	return ""
}

func (p *place) resolve(where string) int64 {
	if where == Latest {
		return p.end
	}
	return p.start
}
