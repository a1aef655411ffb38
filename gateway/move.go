package gateway

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway/peer"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/engine"
)

// topicMove is of the chunks of shards that move.
const topicMove peer.Topic = 1

// What a chunk is answered.
const (
	chunkTaken   = 0
	chunkGap     = 1 // earlier ones are missing: the move must begin anew
	chunkRefused = 2
)

const (
	chunkSize = 64 << 10
	// sealBelow is how little must be left, in keys, for the shard to stop serving.
	sealBelow = 256
	// movePause is how long a mover waits where nothing can be sent just now.
	movePause = time.Millisecond
)

// movers carry the shards of this node that move to others.
type movers struct {
	g    *Gateway
	mu   sync.Mutex
	live map[int]*mover
	done sync.WaitGroup
}

// mover carries one shard.
type mover struct {
	shard  int
	move   uint64
	to     directory.Number
	began  time.Time
	cancel context.CancelFunc

	mu       sync.Mutex
	phase    string
	progress engine.Progress
}

// follow begins and ends moves as the directory says.
func (m *movers) follow(d *directory.Directory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, place := range d.Places {
		v := m.live[i]
		if v != nil && (place.MoveID != v.move || place.Owner != d.Self) {
			v.cancel()
			delete(m.live, i)
			v = nil
		}
		if v == nil && place.To != 0 && place.Owner == d.Self {
			ctx, cancel := context.WithCancel(context.Background())
			v = &mover{shard: i, move: place.MoveID, to: place.To, began: time.Now(), cancel: cancel, phase: "copy"}
			m.live[i] = v
			m.done.Go(func() { m.carry(ctx, v) })
		}
	}
}

// on runs f on a shard and waits for it.
func (m *movers) on(index int, f func(e *engine.Engine)) {
	done := make(chan struct{})
	m.g.Node.Env.Shards[index].Tell(shard.Func(func(e *engine.Engine) {
		defer close(done)
		f(e)
	}))
	<-done
}

// carry brings a shard to its new node, and has the catalog commit or abort the move.
func (m *movers) carry(ctx context.Context, v *mover) {
	err := m.copy(ctx, v)
	for err == nil && ctx.Err() == nil {
		if m.g.member.EndMove(ctx, v.shard, v.move, true) == nil {
			v.set("done")
			return // the directory closes the shard
		}
	}
	if ctx.Err() == nil {
		m.g.log.Warn("a shard could not be moved", "shard", v.shard, "to", v.to, "error", err)
		_ = m.g.member.EndMove(ctx, v.shard, v.move, false) // else the leader does
	}
	<-ctx.Done() // the catalog has ended it
	m.on(v.shard, func(e *engine.Engine) {
		if !e.Closed() {
			e.EndExport(true)
			e.Unseal()
		}
	})
}

// copy sends everything; the shard is sealed at the end.
func (m *movers) copy(ctx context.Context, v *mover) error {
	m.on(v.shard, func(e *engine.Engine) { e.BeginExport(v.move) })
	for done := false; !done; {
		var chunk []byte
		var err error
		m.on(v.shard, func(e *engine.Engine) {
			chunk, done, err = e.ExportChunk(v.move, chunkSize)
			p := e.ExportProgress()
			if err == nil && p.Left < sealBelow {
				e.Seal()
			}
			v.advance(p)
		})
		if err != nil {
			return err
		}
		if chunk != nil {
			err = m.send(ctx, v, chunk)
		} else if !done {
			time.Sleep(movePause)
		}
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
	}
	return nil
}

// send brings a chunk to the target, however often it takes.
func (m *movers) send(ctx context.Context, v *mover, chunk []byte) error {
	content := append(binary.AppendUvarint(nil, uint64(v.shard)), chunk...)
	for ctx.Err() == nil {
		answers := make(chan byte, 1)
		m.g.streams.Ask(v.to, topicMove, content, func(answer []byte, ok bool) {
			switch {
			case ok && len(answer) == 1:
				answers <- answer[0]
			default:
				close(answers)
			}
		})
		switch answer, ok := <-answers; {
		case !ok:
			time.Sleep(movePause)
		case answer == chunkTaken:
			return nil
		default:
			return errors.New("the other node does not take it")
		}
	}
	return ctx.Err()
}

// take is the target's part.
func (m *movers) take(_ directory.Number, content []byte, answer func([]byte)) error {
	index, n := binary.Uvarint(content)
	if n <= 0 || index >= uint64(len(m.g.Node.Env.Shards)) || answer == nil {
		return errChunk
	}
	chunk := append([]byte(nil), content[n:]...)
	m.g.Node.Env.Shards[index].Tell(shard.Func(func(e *engine.Engine) {
		answer([]byte{m.takeChunk(e, int(index), chunk)})
	}))
	return nil
}

var errChunk = errors.New("malformed piece of a shard")

func (m *movers) takeChunk(e *engine.Engine, index int, chunk []byte) byte {
	place := m.g.Node.Env.Where.Load().Places[index]
	if !e.Closed() || len(chunk) < 17 {
		return chunkRefused
	}
	move, seq := binary.LittleEndian.Uint64(chunk[1:]), binary.LittleEndian.Uint64(chunk[9:])
	if seq == 0 && move >= place.MoveID {
		if !e.Importing(move) {
			e.BeginImport(move, shard.Makers())
		}
	}
	switch err := e.ImportChunk(chunk); {
	case err == nil:
		return chunkTaken
	case errors.Is(err, engine.ErrGap):
		return chunkGap
	}
	return chunkRefused
}

func (v *mover) set(phase string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.phase = phase
}

func (v *mover) advance(p engine.Progress) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.progress = p
}
