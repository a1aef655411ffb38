package sim

import (
	"container/heap"
	"math/rand/v2"
)

// schedule is the only clock and the only source of chance of a world.
type schedule struct {
	rng      *rand.Rand
	now      int64 // milliseconds of the true time, which no node knows
	queue    events
	sequence int
}

type event struct {
	at  int64
	seq int
	run func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func (s *schedule) step() {
	e := heap.Pop(&s.queue).(event)
	s.now = e.at
	e.run()
}

func (s *schedule) after(ms int64, f func()) {
	s.sequence++
	heap.Push(&s.queue, event{s.now + ms, s.sequence, f})
}

func (s *schedule) every(ms int64, f func()) {
	s.after(ms, func() {
		f()
		s.every(ms, f)
	})
}

// between returns a random time of at least low and less than high milliseconds.
func (s *schedule) between(low, high int64) int64 { return low + s.rng.Int64N(high-low) }
