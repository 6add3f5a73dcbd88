package cli

import "github.com/penstock/penstock"

// sentBack is what was sent back to the source: bits by place and block of
// offsets. It lies where the pipeline keeps what is its own, so that each dead
// letter is sent back once however often the command is cut short.
type sentBack struct {
	key    func(letter *penstock.EventID) string // of its block
	ids    map[string]string                     // of the topics as they are now
	blocks map[string]*sentBlock
}

// sentBlock is one record of what is remembered.
type sentBlock struct {
	TopicID string `json:"topic_id,omitempty"` // on NATS it goes with the stream
	Bits    []byte `json:"bits"`               // bit i%8 of byte i/8: the i-th offset of the block was sent back

	sequence uint64 // on NATS: its message's
}

// blockOffsets is how many offsets a block has: a record of some 1.4 kB.
const blockOffsets = 8192

func (s *sentBack) has(letter *penstock.EventID) bool {
	block := s.blocks[s.key(letter)]
	i := letter.Offset % blockOffsets
	return block != nil && block.Bits[i/8]&(1<<(i%8)) != 0
}

// add notes a dead letter, and gives the key of its block.
func (s *sentBack) add(letter *penstock.EventID) string {
	key := s.key(letter)
	block := s.blocks[key]
	if block == nil {
		block = &sentBlock{TopicID: s.ids[letter.Source], Bits: make([]byte, blockOffsets/8)}
		s.blocks[key] = block
	}
	i := letter.Offset % blockOffsets
	block.Bits[i/8] |= 1 << (i % 8)
	return key
}
