package session

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/command"
	"pgregory.net/rapid"
)

// line is a client's connection as its pipe sees it: what was sent, and what is away.
type line struct {
	pipe
	out, want []byte
	away      []uint64 // tickets
	answers   map[uint64][]byte
	n         int
}

func newLine(memory *pipeMemory) *line {
	return &line{pipe: pipe{memory: memory}, answers: map[uint64][]byte{}}
}

// answer makes the reply to the next command, which takes its place in what is wanted.
func (l *line) answer(padding int) []byte {
	l.n++
	reply := fmt.Appendf(nil, "+%d%s\r\n", l.n, strings.Repeat(".", padding))
	l.want = append(l.want, reply...)
	return reply
}

// leave is a command that goes away.
func (l *line) leave(padding int) {
	ticket := l.push(&command.Info{})
	l.follow()
	l.away = append(l.away, ticket)
	l.answers[ticket] = l.answer(padding)
}

// run is a command that is carried out at once.
func (l *line) run(padding int) {
	reply := l.answer(padding)
	if l.pipe.len() == 0 {
		l.out = append(l.out, reply...)
	} else {
		l.behind.Raw(reply)
	}
	l.follow()
}

// arrive is the reply to the i-th command that is away.
func (l *line) arrive(i int) bool {
	ticket := l.away[i]
	l.away = append(l.away[:i], l.away[i+1:]...)
	return l.put(ticket, l.answers[ticket])
}

func (l *line) emit() {
	l.out = append(l.out, l.ready...)
	l.pipe.sent()
}

// Clients see replies in the order of their commands, whatever the order in which they
// come, and nothing of each other's, though their pipes are made of the same memory.
func TestPipeKeepsTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		memory := &pipeMemory{}
		lines := []*line{newLine(memory), newLine(memory), newLine(memory)}
		padding := rapid.SampledFrom([]int{0, 0, 3, 600})
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			l := rapid.SampledFrom(lines).Draw(t, "line")
			switch step := rapid.IntRange(0, 6).Draw(t, "step"); {
			case step <= 1:
				l.leave(padding.Draw(t, "padding"))
			case step <= 3:
				if l.pipe.len() == 0 {
					l.emit() // as the connection waits for it
				}
				l.run(padding.Draw(t, "padding"))
			case step <= 5 && len(l.away) > 0:
				if !l.arrive(rapid.IntRange(0, len(l.away)-1).Draw(t, "which")) {
					t.Fatal("there is no place for a reply")
				}
			case step == 6:
				l.emit()
			}
			if !bytes.HasPrefix(l.want, append(bytes.Clone(l.out), l.ready...)) {
				t.Fatalf("sent %q, ready %q; want %q", l.out, l.ready, l.want)
			}
		}
		for _, l := range lines {
			for len(l.away) > 0 {
				l.arrive(rapid.IntRange(0, len(l.away)-1).Draw(t, "which"))
			}
			l.emit()
			if !bytes.Equal(l.out, l.want) {
				t.Fatalf("sent %q, want %q", l.out, l.want)
			}
			l.idle(t)
		}
		for _, list := range memory.places {
			if slices.ContainsFunc(list[:cap(list)], func(p place) bool { return p != place{} }) {
				t.Errorf("what is kept of a pipe has something of it: %v", list[:cap(list)])
			}
		}
	})
}

// idle checks that a pipe through which nothing goes keeps nothing.
func (l *line) idle(t interface{ Errorf(string, ...any) }) {
	if l.pipe.len() != 0 || l.early != 0 || l.taken != 0 || len(l.behind.Buf) != 0 || l.dir != nil {
		t.Errorf("an idle pipe has %d places, %d early and %d taken bytes, %d behind", l.pipe.len(), l.early, l.taken, len(l.behind.Buf))
	}
	if l.places != nil || l.behind.Buf != nil || l.stash != nil || l.ready != nil || l.busy.bits != nil {
		t.Errorf("an idle pipe keeps memory")
	}
}

// Early replies are counted until their turn.
func TestPipeCountsEarlyReplies(t *testing.T) {
	l := newLine(&pipeMemory{})
	for range 100 {
		l.leave(10)
	}
	size := len(l.answers[l.away[99]])
	for i := 99; i > 49; i-- {
		l.arrive(i)
	}
	if low, high := 50*(size-1), 50*size; l.early < low || l.early > high {
		t.Errorf("%d bytes are early, want about %d", l.early, high)
	}
	if len(l.ready) != 0 {
		t.Errorf("%q is ready", l.ready)
	}
	for range 50 {
		l.arrive(0)
	}
	if l.early != 0 || !bytes.Equal(l.ready, l.want) {
		t.Errorf("%d bytes are early, ready %q", l.early, l.ready)
	}
}

func TestPipeHasNoPlaceForStrangers(t *testing.T) {
	l := newLine(&pipeMemory{})
	if l.put(0, []byte("+x\r\n")) || l.find(0) != nil {
		t.Error("an empty pipe has a place")
	}
	l.leave(0)
	l.leave(0)
	first := l.away[0]
	l.arrive(0)
	for _, ticket := range []uint64{first, first + 2, first - 1, 1 << 63} {
		if l.put(ticket, []byte("+x\r\n")) || l.find(ticket) != nil {
			t.Errorf("there is a place for %d", ticket)
		}
	}
	l.arrive(0)
	l.emit()
	if !bytes.Equal(l.out, l.want) {
		t.Errorf("sent %q, want %q", l.out, l.want)
	}
}

// Commands go through pipes without an allocation, one at a time or many, whatever the
// order of their replies.
func TestPipesAllocateNothing(t *testing.T) {
	memory := &pipeMemory{}
	pipes := []pipe{{memory: memory}, {memory: memory}}
	info, reply := &command.Info{}, []byte("$5\r\nvalue\r\n")
	for _, many := range []uint64{1, 16, 64} {
		if n := testing.AllocsPerRun(100, func() {
			for i := range pipes {
				p := &pipes[i]
				first := p.next()
				for range many {
					p.push(info)
					p.busy.add(reply)
					p.behind.Raw(reply)
					p.follow()
				}
				for i := range many {
					if !p.put(first+many-1-i, reply) {
						t.Fatal("no place")
					}
				}
				if want := int(2*many) * len(reply); len(p.ready) != want {
					t.Fatalf("%d bytes, want %d", len(p.ready), want)
				}
				p.sent()
			}
		}); n != 0 {
			t.Errorf("%v allocations for %d", n, many)
		}
	}
}

// A loop keeps no more for its pipes than it says.
func TestPipeMemoryIsBounded(t *testing.T) {
	memory := &pipeMemory{}
	for range 3 * maxSparePipes {
		memory.giveBuffer(make([]byte, 10, keptBuffer))
		memory.giveBuffer(make([]byte, 0, keptBuffer+1))
		memory.giveList(make([]place, 0, keptPlaces))
		memory.giveList(make([]place, 0, keptPlaces+1))
		memory.giveKeySet(keySet{bits: new([keySetWords]uint64)})
	}
	if len(memory.buffers) != maxSparePipes || len(memory.places) != maxSparePipes || len(memory.keys) != maxSparePipes {
		t.Errorf("%d buffers, %d lists, %d sets", len(memory.buffers), len(memory.places), len(memory.keys))
	}
	for _, b := range memory.buffers {
		if len(b) != 0 || cap(b) > keptBuffer {
			t.Errorf("a buffer of %d, %d used, is kept", cap(b), len(b))
		}
	}
}
