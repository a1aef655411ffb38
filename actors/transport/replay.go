package transport

import "errors"

var errReplay = errors.New("a copy of an earlier message, or too late")

// window is how far a message may be behind the newest of its sender, in
// sequences: connections to two of a node's addresses may overtake each other.
const window = 1024

// senders tells messages from copies of them. It is the control actor's own. Who
// speaks is in young; when that is half of what may be known, it becomes old, and
// who was old and silent since is forgotten.
type senders struct{ young, old map[process]*sender }

// process is one start of a node. Its messages have sequences of their own; whether
// it is the newest is for handlers to know.
type process struct {
	id          string
	incarnation uint64
}

type sender struct {
	newest uint64
	seen   [window / 64]uint64 // a bit for each sequence down from newest, by its value
}

// admit tells whether the message is new.
func (s *senders) admit(from process, sequence uint64) error {
	one := s.young[from]
	if one == nil {
		if one = s.old[from]; one == nil {
			one = &sender{}
		}
		if s.young == nil || len(s.young) >= maxSenders/2 {
			s.young, s.old = map[process]*sender{}, s.young
		}
		s.young[from] = one
	}
	return one.mark(sequence)
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
