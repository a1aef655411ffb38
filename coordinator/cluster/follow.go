package cluster

import (
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/catalog"
)

// follower hands on what changes.
type follower struct {
	c        *Cluster
	hooks    *Hooks
	last     *directory.Directory // that was handed on
	settings uint64               // their epoch
	flushed  *uint64              // that of the last flush of scripts, nil: not looked yet
	// suspected are the members that are taken not to answer, as was said last, and
	// silent the addresses that the transport was told to leave alone.
	suspected map[directory.Number]bool
	silent    map[string]bool
}

// Run calls the hooks from now on. When it returns, how things stand was handed on.
func (c *Cluster) Run(h Hooks) {
	h.complete()
	c.hooks.Store(&h)
	c.extend()
	f := &follower{
		c: c, hooks: &h, settings: ^uint64(0), suspected: map[directory.Number]bool{}, silent: map[string]bool{},
	}
	f.look()
	c.done.Go(f.run)
}

// extend tells until when the node may serve, as the lease has it. It is called under
// no mutex but the lease's, so that the last call tells the last state.
func (c *Cluster) extend() {
	c.leaseMu.Lock()
	defer c.leaseMu.Unlock()
	if until, ok := c.lease.Until(); ok {
		if hooks := c.hooks.Load(); hooks != nil {
			hooks.Serve(c.started.Add(time.Duration(until) * time.Millisecond))
		}
	}
}

func (f *follower) run() {
	for {
		select {
		case <-f.c.ctx.Done():
			return
		case <-f.c.store.changed:
			f.look()
		}
	}
}

// look hands on what is new.
func (f *follower) look() {
	d := f.c.store.directory()
	if d == nil {
		return
	}
	if f.last == nil || d.Epoch > f.last.Epoch {
		f.hooks.Follow(d)
		f.tell(d)
		f.last = d
	}
	f.judge(d)
	var pairs []string
	var epoch uint64
	f.c.store.with(func(s *catalog.State) {
		if epoch = s.SettingsEpoch(); epoch != f.settings {
			s.EachSetting(func(name, value string) { pairs = append(pairs, name, value) })
		}
	})
	if epoch != f.settings {
		f.settings = epoch
		f.hooks.Settings(pairs)
	}
	f.flush()
}

// flush passes on that the scripts were flushed since this node became a member.
func (f *follower) flush() {
	var epoch uint64
	f.c.store.with(func(s *catalog.State) { epoch = s.FlushEpoch() })
	if f.flushed != nil && *f.flushed != epoch {
		f.hooks.Flushed()
	}
	f.flushed = &epoch
}

// judge says which members are taken not to answer: by serf or by the catalog on the
// data path, by serf alone for control messages. Without those a member would not
// hear that it may come back. One that has said goodbye and has no shards still answers
// what it was asked, and is asked nothing more.
func (f *follower) judge(d *directory.Directory) {
	silent, suspected := map[string]bool{}, map[directory.Number]bool{}
	for i := range d.Members {
		if m := &d.Members[i]; m.Number != d.Self {
			gone := f.c.phone.gone(m.ID)
			done := f.c.phone.left(m.ID) && owned(d, m.Number) == 0
			suspected[m.Number] = gone && !done || m.State == directory.Down
			silent[f.c.actorAddr(m)] = gone
		}
	}
	for i := range d.Members { // another member may have the address by now
		if m := &d.Members[i]; m.Number == d.Self || !f.c.phone.gone(m.ID) {
			silent[f.c.actorAddr(m)] = false
		}
	}
	for addr := range f.silent {
		if !silent[addr] {
			f.c.transport.MarkUp(addr)
			delete(f.silent, addr)
		}
	}
	for addr, yes := range silent {
		if yes && !f.silent[addr] {
			f.c.transport.MarkDown(addr)
			f.silent[addr] = true
		}
	}
	for i := range d.Members {
		n := d.Members[i].Number
		if was, known := f.suspected[n]; n != d.Self && (!known || was != suspected[n]) {
			f.hooks.Suspect(n, suspected[n])
		}
	}
	f.suspected = suspected
}

// tell logs what operators must know: who is down, and what was lost.
func (f *follower) tell(d *directory.Directory) {
	log := f.c.o.Logger
	for i := range d.Members {
		m := &d.Members[i]
		was := directory.Up
		if f.last != nil {
			if before := f.last.Member(m.Number); before != nil && before.ID == m.ID {
				was = before.State
			}
		}
		switch down := m.State == directory.Down; {
		case down && was != directory.Down:
			log.Warn("a node is down: its shards are not served until it is back, or forgotten (troupe cluster forget)",
				"node", m.Name, "shards", owned(d, m.Number))
		case !down && was == directory.Down:
			log.Warn("a node is up again", "node", m.Name)
		}
	}
	f.tellLost(d)
}

// tellLost logs losses: those since the last directory, and at first those with the
// process before this one.
func (f *follower) tellLost(d *directory.Directory) {
	since := f.c.started.UnixMilli()
	lost := map[directory.Number]struct {
		shards int
		keys   int64
		at     int64
	}{}
	for i, p := range d.Places {
		isNew := p.LostAt >= since && p.Owner == d.Self
		if f.last != nil {
			isNew = p.LostAt != f.last.Places[i].LostAt
		}
		if isNew && p.LostKeys > 0 {
			l := lost[p.Owner]
			l.shards, l.keys, l.at = l.shards+1, l.keys+p.LostKeys, max(l.at, p.LostAt)
			lost[p.Owner] = l
		}
	}
	for i := range d.Members {
		m := &d.Members[i]
		if l := lost[m.Number]; l.shards > 0 {
			f.c.o.Logger.Warn("data was lost with the process that held it: these shards begin empty", "node", m.Name,
				"shards", l.shards, "keys", l.keys, "at", time.UnixMilli(l.at).Format(time.RFC3339))
		}
	}
}

func owned(d *directory.Directory, n directory.Number) (shards int) {
	for _, p := range d.Places {
		if p.Owner == n {
			shards++
		}
	}
	return shards
}
