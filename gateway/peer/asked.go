package peer

// asked are the requests of a stream that have no answer yet, in the order in which
// they were sent: a ring, as most answers come in that order.
type asked struct {
	ring  []question // a power of two
	first uint64     // identity of the oldest
	next  uint64     // identity of the next
}

type question struct {
	asker  Asker
	ticket uint64
}

// firstRing is how many questions there is room for at first.
const firstRing = 64

// maxAsked bounds the questions that are under way on one stream.
const maxAsked = 1 << 16

func (a *asked) len() int { return int(a.next - a.first) }

func (a *asked) add(asker Asker, ticket uint64) (id uint64) {
	if a.len() == len(a.ring) {
		grown := make([]question, max(firstRing, 2*len(a.ring)))
		for i := a.first; i != a.next; i++ {
			grown[i%uint64(len(grown))] = a.ring[i%uint64(len(a.ring))]
		}
		a.ring = grown
	}
	id = a.next
	a.ring[id%uint64(len(a.ring))] = question{asker, ticket}
	a.next++
	return id
}

// take removes a question; false if there is none with this identity.
func (a *asked) take(id uint64) (question, bool) {
	if id-a.first >= a.next-a.first {
		return question{}, false
	}
	at := &a.ring[id%uint64(len(a.ring))]
	q := *at
	*at = question{}
	for a.first != a.next && a.ring[a.first%uint64(len(a.ring))].asker == nil {
		a.first++
	}
	return q, q.asker != nil
}

// all removes and returns what is left, the oldest first.
func (a *asked) all() (left []question) {
	for ; a.first != a.next; a.first++ {
		if q := a.ring[a.first%uint64(len(a.ring))]; q.asker != nil {
			left = append(left, q)
		}
	}
	a.ring = nil
	a.first, a.next = 0, 0
	return left
}
