package transport

import "errors"

var errReplay = errors.New("a copy of an earlier message, or too late")

// window is how far a message may be behind the newest of its sender, in
// sequences: connections to two of a node's addresses may overtake each other.
const window = 1024

// maxPast is how many earlier processes of a sender are remembered.
const maxPast = 8

// senders tells messages from copies of them. It is the control actor's own.
type senders struct {
	known map[string]*sender
	clock uint64
}

// sender is a node's process. Incarnations are compared for equality only: clocks
// of machines are set back.
type sender struct {
	incarnation uint64
	past        [maxPast]uint64 // earlier ones, 0: none
	newest      uint64
	seen        [window / 64]uint64 // a bit for each sequence down from newest, by its value
	used        uint64
}

// admit tells whether the message is new.
func (s *senders) admit(id string, incarnation, sequence uint64) error {
	from := s.known[id]
	if from == nil {
		if len(s.known) >= maxSenders {
			s.evict()
		}
		from = &sender{incarnation: incarnation}
		s.known[id] = from
	}
	s.clock++
	from.used = s.clock
	if incarnation != from.incarnation {
		for _, old := range from.past {
			if old == incarnation && old != 0 {
				return errReplay
			}
		}
		past := from.past
		copy(from.past[1:], past[:])
		from.past[0] = from.incarnation
		from.incarnation, from.newest, from.seen = incarnation, 0, [window / 64]uint64{}
	}
	return from.mark(sequence)
}

// mark notes the sequence, unless it is noted already or too old to tell.
func (s *sender) mark(sequence uint64) error {
	word, bit := &s.seen[sequence%window/64], uint64(1)<<(sequence%64)
	switch {
	case sequence > s.newest:
		if sequence-s.newest >= window {
			s.seen = [window / 64]uint64{}
		} else {
			for i := s.newest + 1; i < sequence; i++ {
				s.seen[i%window/64] &^= 1 << (i % 64)
			}
		}
		s.newest = sequence
	case s.newest-sequence >= window || *word&bit != 0:
		return errReplay
	}
	*word |= bit
	return nil
}

// evict forgets who was silent for longest.
func (s *senders) evict() {
	oldest, used := "", ^uint64(0)
	for id, from := range s.known {
		if from.used < used {
			oldest, used = id, from.used
		}
	}
	delete(s.known, oldest)
}
