package gateway

import (
	"bytes"
	"slices"
	"sync"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/migrate"
	"github.com/troupedb/troupe/shard/engine"
)

// Bounds of what has come from the other end and waits. The source sends no more than
// one window without an acknowledgement; what is over the bound comes again.
const (
	maxFrames     = 4 * migrate.Window
	maxFrameBytes = 2*migrate.WindowBytes + migrate.MaxFrame
)

// inbox is what a mover is told. Its methods may be called from any goroutine and
// never block. There is one result at most of each order to the shard, of which there
// are two at most, and one mark for each peer.
type inbox struct {
	wake chan struct{}

	mu sync.Mutex
	letters
	bytes int // of frames
}

// letters are what has come since the mover looked last.
type letters struct {
	place   *known // the newest
	links   []directory.Number
	frames  []arrived
	results []result
}

// known is where a shard is, and which node this one is.
type known struct {
	directory.Place
	self directory.Number
}

// arrived is a frame from another node.
type arrived struct {
	from  directory.Number
	frame migrate.Frame
}

// result is what the shard has done for a move.
type result struct {
	move uint64
	err  error

	// Of an import.
	imported, complete bool

	// Of an export.
	chunk    []byte
	done     bool
	progress engine.Progress
}

func (in *inbox) tell(f func()) {
	in.mu.Lock()
	f()
	in.mu.Unlock()
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

func (in *inbox) learn(k known) { in.tell(func() { in.place = &k }) }

func (in *inbox) unlearned() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.place != nil
}

func (in *inbox) linked(to directory.Number) {
	in.tell(func() {
		if !slices.Contains(in.links, to) {
			in.links = append(in.links, to)
		}
	})
}

// arrive copies the frame's body.
func (in *inbox) arrive(from directory.Number, f migrate.Frame) {
	in.tell(func() {
		if len(in.frames) < maxFrames && in.bytes+len(f.Body) <= maxFrameBytes {
			f.Body = bytes.Clone(f.Body)
			in.frames, in.bytes = append(in.frames, arrived{from, f}), in.bytes+len(f.Body)
		}
	})
}

func (in *inbox) settle(r result) { in.tell(func() { in.results = append(in.results, r) }) }

func (in *inbox) take() letters {
	in.mu.Lock()
	defer in.mu.Unlock()
	l := in.letters
	in.letters, in.bytes = letters{}, 0
	return l
}
