package broker

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/config"
)

// PanesTopic is where workers publish what they counted, one or more drift.Delta
// an epoch and partition, in the epoch's own commit. A record without a value only makes
// it a part of the transaction.
func PanesTopic(p *config.Pipeline) string { return p.Name + ".panes" }

// ReportsTopic is where drift reports go.
func ReportsTopic(p *config.Pipeline) string { return p.Name + ".drift" }

// AlarmsTopic is where the begins and ends of alarms go.
func AlarmsTopic(p *config.Pipeline) string { return p.Name + ".alarms" }

// DriftStateTopic is where monitors keep what they have summed.
func DriftStateTopic(p *config.Pipeline) string { return p.Name + ".drift-state" }

// LatestTopic is where the latest report of each window is, for processes that
// start.
func LatestTopic(p *config.Pipeline) string { return p.Name + ".drift-latest" }

// ReportsRetention is how long reports and alarms are kept.
const ReportsRetention = 90 * 24 * time.Hour

// PanesRetention is how long deltas are kept. The monitor reads them within
// seconds; one that was away for longer than this has lost what they counted, and
// its windows say that they are incomplete.
const PanesRetention = 7 * 24 * time.Hour

// DriftPartition is how deltas name a partition of the source: by its topic and
// number on Kafka, by its stream and filter on NATS, where the number is that of
// the filter in the list at hand and not part of the name.
func DriftPartition(source, filter string, number int32) (name string, partition int32) {
	if filter == "" {
		return source, number
	}
	return source + "/" + filter, 0
}

// ReferenceKey is that of a part of a model version's frozen reference in the
// state topic, which the monitor writes and workers read.
func ReferenceKey(model, version string, part int) string {
	return referencePrefix + model + "/" + version + "/" + strconv.Itoa(part)
}

const referencePrefix = "reference/"

// maxReferencePart is the most bytes of a part.
const maxReferencePart = drift.MaxDelta - 1<<10

// SplitReference cuts an encoded reference into records, each of which says which
// part of how many it is, and of what.
func SplitReference(encoded []byte, digest string) [][]byte {
	n := max((len(encoded)+maxReferencePart-1)/maxReferencePart, 1)
	parts := make([][]byte, n)
	for i := range parts {
		from := i * maxReferencePart
		to := min(from+maxReferencePart, len(encoded))
		parts[i] = append(fmt.Appendf(nil, "%d/%d %s\n", i, n, digest), encoded[from:to]...)
	}
	return parts
}

// ErrReferencePart says that a reference is not all there, or not of one piece.
var ErrReferencePart = errors.New("a part of the reference is missing or another one's")

// ReferenceParts tells how many parts the reference has that record is part 0 of.
func ReferenceParts(record []byte) (n int, err error) {
	head, _, ok := bytes.Cut(record, []byte("\n"))
	numbers, _, _ := bytes.Cut(head, []byte(" "))
	_, all, found := bytes.Cut(numbers, []byte("/"))
	if n, err = strconv.Atoi(string(all)); !ok || !found || err != nil || n < 1 {
		return 0, fmt.Errorf("read the reference: %w", ErrReferencePart)
	}
	return n, nil
}

// JoinReference is the inverse of SplitReference.
func JoinReference(parts [][]byte) (encoded []byte, digest string, err error) {
	for i, part := range parts {
		head, data, _ := bytes.Cut(part, []byte("\n"))
		numbers, name, _ := bytes.Cut(head, []byte(" "))
		if string(numbers) != fmt.Sprintf("%d/%d", i, len(parts)) || i > 0 && string(name) != digest {
			return nil, "", fmt.Errorf("read the reference: %w", ErrReferencePart)
		}
		digest = string(name)
		encoded = append(encoded, data...)
	}
	return encoded, digest, nil
}
