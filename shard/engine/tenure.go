package engine

import "github.com/troupedb/troupe/shard/locks"

// tenure is whether the shard is here, and under which epoch. A new engine is open
// under the epoch 1. While its data moves to another node it serves; then it is
// sealed: a lock on all keys, older than every saga, holds back whatever comes. If
// the move is committed it is closed, and what was held back is refused, which tells
// whoever asked to look for the shard elsewhere.
type tenure struct {
	closed  bool
	epoch   uint64
	sealing bool // the lock on all keys is held or waited for
	// expelling: what waits is being refused.
	expelling bool
}

// sealOwner holds the lock of a seal. It is older than any saga.
const sealOwner = 1

// serves tells whether the shard is here under this epoch; 0 is any.
func (t *tenure) serves(epoch uint64) bool {
	return !t.closed && (epoch == 0 || epoch == t.epoch)
}

// Closed tells whether the shard is elsewhere.
func (e *Engine) Closed() bool { return e.closed }

// Epoch returns the epoch under which the shard serves, or has last served.
func (e *Engine) Epoch() uint64 { return e.epoch }

// Open makes the shard serve under an epoch. Versions of watched keys are larger than
// all that were given under an older one, also by a process that has ended, so no
// watch of before passes for one of now.
func (e *Engine) Open(epoch uint64) {
	const room, most = 40, 1 << 22 // versions are positive integers for clients' sake
	e.closed, e.epoch = false, epoch
	e.versions = max(e.versions, min(epoch, most)<<room)
}

// Seal begins to hold back commands and sagas, and makes the younger sagas that are
// under way undo themselves. See Sealed.
func (e *Engine) Seal() {
	if e.sealing {
		return
	}
	e.sealing = true
	e.locks.Acquire(locks.Key{All: true}, sealOwner)
	e.woundForSeal()
}

// Sealed tells whether nothing changes any more: no saga has done anything here that
// has not ended, and no decision is kept but such as may be for long and so travel.
// Sagas that wait for their first lock may be there.
func (e *Engine) Sealed() bool {
	if !e.sealHeld() {
		return false
	}
	for _, d := range e.sagas.decided {
		if d.told == 0 || len(d.record) > MaxChunkSize {
			return false
		}
	}
	return true
}

// Unseal lets go on what a seal has held back.
func (e *Engine) Unseal() {
	if e.sealing {
		e.sealing = false
		e.locks.Release(sealOwner)
		e.pump()
	}
}

// Close makes the shard refuse everything, also what a seal has held back. Blocked
// clients and watches are forgotten: gateways know from the directory that these are
// to begin anew. Decisions have travelled, or are lost with the data.
func (e *Engine) Close() {
	e.closed = true
	clear(e.sagas.decided)
	e.waiting, e.watched = map[watchKey]*waitQueue{}, map[watchKey]*watchEntry{}
	e.Unseal()
	e.pump()
}

// Expel refuses the commands that wait at locks: the node may not serve any more, and
// whoever holds the locks may never be heard of again.
func (e *Engine) Expel() {
	e.expelling = true
	for _, refuse := range e.locks.Expel() {
		refuse()
	}
	e.expelling = false
	e.pump()
}

func (e *Engine) woundForSeal() {
	for _, key := range e.locks.Waits(sealOwner) {
		e.sagas.holders = e.locks.Holders(e.sagas.holders[:0], key, sealOwner)
		for _, holder := range e.sagas.holders {
			e.hurt(SagaID(holder))
		}
	}
}

// doors are the sagas that a recovery has asked for: what it found must stay so.
type doors struct {
	shutAt map[SagaID]int64
	order  []SagaID
}

// A door may be forgotten once no coordinator can still be running that was taken
// for dead: its node's lease has run out many times over.
const (
	doorMillis = 10 * 60 * 1000
	maxDoors   = 1 << 16
)

func (d *doors) close(saga SagaID, now int64) {
	if _, known := d.shutAt[saga]; known {
		return
	}
	if d.shutAt == nil {
		d.shutAt = map[SagaID]int64{}
	}
	if len(d.order) >= maxDoors {
		d.drop()
	}
	d.shutAt[saga] = now
	d.order = append(d.order, saga)
}

func (d *doors) shut(saga SagaID) bool {
	_, known := d.shutAt[saga]
	return known
}

func (d *doors) prune(now int64) {
	for len(d.order) > 0 && now-d.shutAt[d.order[0]] > doorMillis {
		d.drop()
	}
}

func (d *doors) drop() {
	delete(d.shutAt, d.order[0])
	d.order = d.order[1:]
}

// Importing tells whether a move of this number is being taken in.
func (e *Engine) Importing(move uint64) bool { return e.imports != nil && e.imports.move == move }
