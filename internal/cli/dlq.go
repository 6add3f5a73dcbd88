package cli

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/penstock/penstock"
)

type dlqCommand struct {
	List    dlqListCommand    `cmd:"" help:"Count the dead letters."`
	Show    dlqShowCommand    `cmd:"" help:"Show dead letters with all that is in them."`
	Redrive dlqRedriveCommand `cmd:"" help:"Send dead letters back to the source."`
}

type dlqListCommand struct {
	Config string `arg:"" help:"Pipeline file."`
	letterFilter
	Set []string `placeholder:"PATH=VALUE" sep:"none" help:"Override a value of the config, as often as needed."`
}

// Help is the example that --help shows.
func (dlqListCommand) Help() string {
	return `One line for each error class, source partition (on NATS: subject) and model: how many dead letters there are, how many of them were sent back already, and when the first and the last one came.

Example:

    penstock dlq list fraud.yaml --since 24h`
}

// letterKind is what dead letters are counted by.
type letterKind struct {
	class     penstock.ErrorClass
	source    string
	subject   string // on NATS, where there is no partition
	partition int32
	model     string
}

// letterCount is a line of the list.
type letterCount struct {
	letters, sentBack int64
	first, last       time.Time
}

// Run prints the counts.
func (c *dlqListCommand) Run(ctx context.Context, s *session) error {
	if err := c.read(time.Now()); err != nil {
		return err
	}
	b, err := s.openLetters(ctx, c.Config, c.Set)
	if err != nil {
		return err
	}
	defer b.close()
	sent, err := b.readSentBack(ctx)
	if err != nil {
		return explained(ctx, err)
	}
	counts := map[letterKind]*letterCount{}
	err = b.own(ctx, func(d *deadLetter) error {
		if !c.takes(d) {
			return nil
		}
		kind := letterKind{d.class, d.event.Source, d.event.Subject, d.event.Partition, strings.TrimSpace(d.model + " " + d.version)}
		n := counts[kind]
		if n == nil {
			n = &letterCount{first: d.time}
			counts[kind] = n
		}
		n.add(d, sent.has(&d.place))
		return nil
	})
	if err != nil {
		return explained(ctx, err)
	}
	b.tellOthers(s)
	return printCounts(s.Out, counts)
}

func (n *letterCount) add(d *deadLetter, sentBack bool) {
	n.letters++
	if sentBack {
		n.sentBack++
	}
	if d.time.Before(n.first) {
		n.first = d.time
	}
	if d.time.After(n.last) {
		n.last = d.time
	}
}

func printCounts(w io.Writer, counts map[letterKind]*letterCount) error {
	kinds := make([]letterKind, 0, len(counts))
	for kind := range counts {
		kinds = append(kinds, kind)
	}
	slices.SortFunc(kinds, func(a, b letterKind) int {
		return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.source, b.source), cmp.Compare(a.subject, b.subject), cmp.Compare(a.partition, b.partition), cmp.Compare(a.model, b.model))
	})
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CLASS\tSOURCE\tMODEL\tCOUNT\tSENT BACK\tFIRST\tLAST")
	var total letterCount
	for _, kind := range kinds {
		n := counts[kind]
		total.letters += n.letters
		total.sentBack += n.sentBack
		fmt.Fprintf(t, "%s\t%s/%s\t%s\t%d\t%d\t%s\t%s\n", kind.class, kind.source, cmp.Or(kind.subject, strconv.Itoa(int(kind.partition))), kind.model, n.letters, n.sentBack, timeText(n.first), timeText(n.last))
	}
	fmt.Fprintf(t, "total\t\t\t%d\t%d\t\t\n", total.letters, total.sentBack)
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print dead letters: %w", err)
	}
	return nil
}

// timeText writes a time as the header has it.
func timeText(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

type dlqShowCommand struct {
	Config string `arg:"" help:"Pipeline file."`
	ID     string `arg:"" optional:"" help:"The event's id, such as transactions/0/1234, or TRANSACTIONS/transactions.eu/1234 on NATS; default: all."`
	letterFilter
	JSON bool     `name:"json" help:"One JSON object a line."`
	Set  []string `placeholder:"PATH=VALUE" sep:"none" help:"Override a value of the config, as often as needed."`
}

// Help is the example that --help shows.
func (dlqShowCommand) Help() string {
	return `Headers, key and value as they are where dead letters go. What is not UTF-8 is written in base64, and said so.

Example:

    penstock dlq show fraud.yaml transactions/0/1234
    penstock dlq show fraud.yaml --class type --json`
}

// Run prints the dead letters.
func (c *dlqShowCommand) Run(ctx context.Context, s *session) error {
	if err := c.read(time.Now()); err != nil {
		return err
	}
	b, err := s.openLetters(ctx, c.Config, c.Set)
	if err != nil {
		return err
	}
	defer b.close()
	if c.ID != "" {
		if _, err := b.eventID(c.ID); err != nil {
			return &refusal{err}
		}
	}
	shown := 0
	err = b.own(ctx, func(d *deadLetter) error {
		if !c.takes(d) || c.ID != "" && d.id != c.ID {
			return nil
		}
		shown++
		if c.JSON {
			return json.NewEncoder(s.Out).Encode(newShownLetter(d))
		}
		return printLetter(s.Out, d, shown > 1)
	})
	if err != nil {
		return explained(ctx, err)
	}
	if shown == 0 && c.ID != "" {
		return fmt.Errorf("there is no dead letter of %s; penstock dlq list %s counts those that are there", c.ID, c.Config)
	}
	b.tellOthers(s)
	return nil
}

// shownLetter is a line of show --json.
type shownLetter struct {
	ID          string              `json:"id"`
	Class       penstock.ErrorClass `json:"class"`
	Error       string              `json:"error"`
	Topic       string              `json:"topic,omitempty"`
	Partition   *int32              `json:"partition,omitempty"`
	Offset      *int64              `json:"offset,omitempty"`
	Stream      string              `json:"stream,omitempty"` // on NATS these three, elsewhere those above
	Subject     string              `json:"subject,omitempty"`
	Sequence    int64               `json:"sequence,omitempty"`
	Truncated   bool                `json:"truncated,omitempty"`
	Headers     []shownHeader       `json:"headers"`
	Key         *string             `json:"key,omitempty"`
	KeyBase64   string              `json:"key_base64,omitempty"`
	Value       *string             `json:"value,omitempty"`
	ValueBase64 string              `json:"value_base64,omitempty"`
}

type shownHeader struct {
	Name   string  `json:"name"`
	Value  *string `json:"value,omitempty"`
	Base64 string  `json:"value_base64,omitempty"`
}

func newShownLetter(d *deadLetter) *shownLetter {
	l := &shownLetter{ID: d.id, Class: d.class, Error: d.reason, Truncated: d.truncated}
	if at := &d.place; at.Subject != "" {
		l.Stream, l.Subject, l.Sequence = at.Source, at.Subject, at.Offset
	} else {
		l.Topic, l.Partition, l.Offset = at.Source, &at.Partition, &at.Offset
	}
	for _, h := range d.headers {
		text, encoded := textOrBase64(h.Value)
		l.Headers = append(l.Headers, shownHeader{Name: h.Key, Value: text, Base64: encoded})
	}
	l.Key, l.KeyBase64 = textOrBase64(d.key)
	l.Value, l.ValueBase64 = textOrBase64(d.value)
	return l
}

// textOrBase64 gives bytes in the one way that keeps them; neither for nil.
func textOrBase64(b []byte) (text *string, encoded string) {
	switch {
	case b == nil:
		return nil, ""
	case utf8.Valid(b):
		return new(string(b)), ""
	}
	return nil, base64.StdEncoding.EncodeToString(b)
}

// printLetter shows a dead letter as a person reads it.
func printLetter(w io.Writer, d *deadLetter, again bool) error {
	var b strings.Builder
	if again {
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%s (%s)\n", d.id, &d.place)
	for _, h := range d.headers {
		fmt.Fprintf(&b, "%s: %s\n", h.Key, shown(h.Value))
	}
	if d.key != nil {
		fmt.Fprintf(&b, "key: %s\n", shown(d.key))
	}
	switch {
	case d.truncated:
		b.WriteString("value: dropped, since the broker refused its size\n")
	default:
		fmt.Fprintf(&b, "value: %s\n", shown(d.value))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// shown makes bytes of an event fit for a terminal, on which control characters
// would do things.
func shown(b []byte) string {
	text := string(b)
	if utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 }) {
		return text
	}
	return "(base64) " + base64.StdEncoding.EncodeToString(b)
}
