package pubsub

import (
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/troupedb/troupe/shard/engine"
)

// maxNotes is how many keyspace events may wait to be published. A shard that
// has one more publishes them itself: events never take more memory than this
// many, and their makers slow down instead.
const maxNotes = 1 << 16

// notes are keyspace events on their way.
type notes struct {
	// some tells that events wait or are just being published.
	some atomic.Bool
	mu   sync.Mutex
	list []note
	turn sync.Mutex // held by who publishes them
}

type note struct {
	db         int
	event, key string
}

// Notify implements engine.Effects: it queues an event for those who listen. The
// classes that are not asked for do not come here.
func (h *Hub) Notify(db int, _ engine.Class, event string, key []byte) {
	if h.listeners.Load() == 0 {
		return
	}
	h.notes.mu.Lock()
	h.notes.list = append(h.notes.list, note{db, event, string(key)})
	full := len(h.notes.list) >= maxNotes
	first := h.notes.some.CompareAndSwap(false, true)
	h.notes.mu.Unlock()
	switch {
	case full:
		h.flush()
	case first:
		go h.flush()
	}
}

// flush publishes the events that wait. When it returns, those queued before it
// was called are with their listeners.
func (h *Hub) flush() {
	if !h.notes.some.Load() {
		return
	}
	h.notes.turn.Lock()
	defer h.notes.turn.Unlock()
	for {
		h.notes.mu.Lock()
		list := h.notes.list
		h.notes.list = nil
		h.notes.some.Store(len(list) > 0)
		h.notes.mu.Unlock()
		if len(list) == 0 {
			return
		}
		flags := h.server.Engine.Load().Notify
		var name []byte
		for i := range list {
			n := &list[i]
			if flags&engine.NotifyKeyspace != 0 {
				name = n.channel(name[:0], "__keyspace@", n.key)
				h.send(channel, name, []byte(n.event), nil, h.server.Streams)
			}
			if flags&engine.NotifyKeyevent != 0 {
				name = n.channel(name[:0], "__keyevent@", n.event)
				h.send(channel, name, []byte(n.key), nil, h.server.Streams)
			}
		}
	}
}

func (n *note) channel(b []byte, prefix, name string) []byte {
	b = strconv.AppendInt(append(b, prefix...), int64(n.db), 10)
	return append(append(b, "__:"...), name...)
}

var _ engine.Effects = (*Hub)(nil)
