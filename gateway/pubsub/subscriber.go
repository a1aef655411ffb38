package pubsub

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/troupedb/troupe/gateway/session"
)

// subscriber is a session that listens. What it listens to is guarded by the
// hub, the queue by its own mutex.
type subscriber struct {
	s       *session.Session
	box     *mailbox
	topics  [kinds]map[string]uint64 // when it subscribed, as a count
	counter uint64

	mu    sync.Mutex
	queue [][]byte // messages for the loop to write
	bytes int64    // in queue
	due   bool     // stands in the mailbox
	over  bool     // is cut off, or has left
	held  bool     // the queue waits for a reply that comes before it
	soft  *time.Timer
}

func (sub *subscriber) add(k kind, name string) bool {
	if _, there := sub.topics[k][name]; there {
		return false
	}
	if sub.topics[k] == nil {
		sub.topics[k] = map[string]uint64{}
	}
	sub.counter++
	sub.topics[k][name] = sub.counter
	sub.note(k)
	return true
}

func (sub *subscriber) remove(k kind, name string) bool {
	if _, there := sub.topics[k][name]; !there {
		return false
	}
	delete(sub.topics[k], name)
	sub.note(k)
	return true
}

// note tells the session how much it listens to. It is its own loop's doing.
func (sub *subscriber) note(k kind) {
	sub.s.SubKinds[k] = len(sub.topics[k])
	sub.s.Subs = sub.total()
}

func (sub *subscriber) total() (n int) {
	for k := range kinds {
		n += len(sub.topics[k])
	}
	return n
}

func (sub *subscriber) names(k kind) []string {
	names := make([]string, 0, len(sub.topics[k]))
	for name := range sub.topics[k] {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(sub.topics[k][a], sub.topics[k][b]) })
	return names
}

// post queues a message, or cuts the subscriber off if it is too far behind. It
// may be called from any goroutine and never blocks.
func (sub *subscriber) post(msg []byte, limit *session.OutputLimit) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	if sub.over {
		return
	}
	size := int64(len(msg)) + 1
	before := sub.behind()
	switch {
	case limit.Hard > 0 && before+size >= limit.Hard:
		sub.cut()
		return
	case limit.Soft > 0 && before < limit.Soft && before+size >= limit.Soft:
		sub.watch(limit)
	}
	sub.queue = append(sub.queue, msg)
	sub.bytes += size
	if !sub.due {
		sub.due = true
		sub.box.put(sub)
	}
}

// behind returns how many bytes the client has not taken.
func (sub *subscriber) behind() int64 { return sub.bytes + sub.s.Conn.Unsent() }

// watch cuts the subscriber off if it is still behind the soft limit once its
// seconds are over. It starts anew whenever the client falls behind again.
func (sub *subscriber) watch(limit *session.OutputLimit) {
	after := time.Duration(limit.SoftSeconds) * time.Second
	if sub.soft != nil {
		sub.soft.Reset(after)
		return
	}
	sub.soft = time.AfterFunc(after, func() {
		sub.mu.Lock()
		defer sub.mu.Unlock()
		now := sub.s.Server.Limits.Load().Output[session.ClassPubSub].Soft
		if !sub.over && now > 0 && sub.behind() >= now {
			sub.cut()
		}
	})
}

// cut closes the connection and gives its queue up.
func (sub *subscriber) cut() {
	sub.over, sub.queue, sub.bytes = true, nil, 0
	sub.s.Server.Stats.OutputDisconnects.Add(1)
	sub.s.Conn.Post(sub.s.Conn.Close)
}

// end is for a subscriber that has left.
func (sub *subscriber) end() {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	sub.over, sub.queue, sub.bytes = true, nil, 0
	if sub.soft != nil {
		sub.soft.Stop()
	}
}

// hold makes the queue wait, or not any more.
func (sub *subscriber) hold(held bool) {
	sub.mu.Lock()
	sub.held = held
	sub.mu.Unlock()
}

// write moves the queue into the connection's output. It is for the loop.
func (sub *subscriber) write() {
	sub.mu.Lock()
	if sub.held {
		sub.mu.Unlock()
		return
	}
	queue := sub.queue
	sub.queue, sub.bytes = nil, 0
	sub.mu.Unlock()
	for _, msg := range queue {
		sub.append(msg)
	}
}

// append writes one message. It is for the loop.
func (sub *subscriber) append(msg []byte) {
	first := byte('*')
	if sub.s.Conn.W.Resp3() {
		first = '>'
	}
	w := &sub.s.Conn.W
	w.Buf = append(append(w.Buf, first), msg...)
	sub.s.Server.Stats.NetOut.Add(uint64(len(msg)) + 1)
}

// mailbox is what is to be done on one loop.
type mailbox struct {
	worker any
	users  int // subscribers, guarded by the hub

	mu    sync.Mutex
	due   []*subscriber
	spare []*subscriber
}

// put makes the loop see to the subscriber: one posted function does for all
// that are put in until it runs.
func (b *mailbox) put(sub *subscriber) {
	b.mu.Lock()
	b.due = append(b.due, sub)
	first := len(b.due) == 1
	b.mu.Unlock()
	if first {
		sub.s.Conn.PostLoop(b.empty)
	}
}

// empty writes out the queues of the subscribers in the mailbox.
func (b *mailbox) empty() {
	b.mu.Lock()
	due := b.due
	b.due, b.spare = b.spare[:0], nil
	b.mu.Unlock()
	for _, sub := range due {
		sub.mu.Lock()
		sub.due = false
		sub.mu.Unlock()
		if conn := sub.s.Conn; !conn.Closing() {
			conn.Lend()
			sub.write()
			conn.Flush()
		}
	}
	clear(due)
	b.mu.Lock()
	b.spare = due[:0]
	b.mu.Unlock()
}

var _ session.Hub = (*Hub)(nil)
