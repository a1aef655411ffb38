package session

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/command"
	"pgregory.net/rapid"
)

// line is a client's connection as its pipe sees it: what was sent, and what is away.
type line struct {
	pipe
	sent, want []byte
	away       []uint64 // tickets
	answers    map[uint64][]byte
	n          int
}

func newLine() *line { return &line{answers: map[uint64][]byte{}} }

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
		l.sent = append(l.sent, reply...)
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
	l.sent = append(l.sent, l.ready...)
	l.ready = l.ready[:0]
}

// The client sees replies in the order of its commands, whatever the order in which
// they come.
func TestPipeKeepsTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLine()
		padding := rapid.SampledFrom([]int{0, 0, 3, 600})
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
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
			if !bytes.HasPrefix(l.want, append(l.sent, l.ready...)) {
				t.Fatalf("sent %q, ready %q; want %q", l.sent, l.ready, l.want)
			}
		}
		for len(l.away) > 0 {
			l.arrive(rapid.IntRange(0, len(l.away)-1).Draw(t, "which"))
		}
		l.emit()
		if !bytes.Equal(l.sent, l.want) {
			t.Fatalf("sent %q, want %q", l.sent, l.want)
		}
		l.idle(t)
	})
}

// idle checks that a pipe through which nothing goes keeps next to nothing.
func (l *line) idle(t interface{ Errorf(string, ...any) }) {
	if l.pipe.len() != 0 || l.early != 0 || l.taken != 0 || len(l.behind.Buf) != 0 || l.dir != nil {
		t.Errorf("an idle pipe has %d places, %d early and %d taken bytes, %d behind", l.pipe.len(), l.early, l.taken, len(l.behind.Buf))
	}
	if cap(l.places)*placeBytes > keptReady || cap(l.behind.Buf) > keptReady {
		t.Errorf("an idle pipe keeps %d places and %d bytes", cap(l.places), cap(l.behind.Buf))
	}
	for _, p := range l.places[:cap(l.places)] {
		if p.info != nil || p.reply != nil {
			t.Errorf("an idle pipe keeps what was in it")
		}
	}
}

// Early replies are counted until their turn.
func TestPipeCountsEarlyReplies(t *testing.T) {
	l := newLine()
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
	l := newLine()
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
	if !bytes.Equal(l.sent, l.want) {
		t.Errorf("sent %q, want %q", l.sent, l.want)
	}
}

// One command at a time goes through a pipe without an allocation.
func TestPipeAllocatesNothing(t *testing.T) {
	var p pipe
	info, reply := &command.Info{}, []byte("$5\r\nvalue\r\n")
	if n := testing.AllocsPerRun(100, func() {
		ticket := p.push(info)
		p.follow()
		if !p.put(ticket, reply) {
			t.Fatal("no place")
		}
		p.ready = p.ready[:0]
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
