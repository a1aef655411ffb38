package peer

import (
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/slot"
)

// stepsOf tells by ID which commands of the table shards carry out. Only these can
// be steps of an order.
func stepsOf(table *command.Table) []bool {
	rows := map[*command.Row]bool{}
	for _, c := range shard.Commands() {
		rows[c.Row] = true
	}
	steps := make([]bool, table.Len())
	for id, info := range table.All() {
		steps[id] = rows[info.Row]
	}
	return steps
}

// suits tells whether all of an order is for this shard: a key of another one would
// be looked for where it cannot be.
func (n *Net) suits(o *engine.Order, index int) bool {
	here := func(key []byte) bool { return n.env.Slots.Shard(slot.Of(key)) == index }
	for i := range o.Locks {
		if l := &o.Locks[i]; (!l.All || l.Serve) && !here([]byte(l.Name)) {
			return false
		}
	}
	for i := range o.Steps {
		s := &o.Steps[i]
		if s.Wait == nil && !n.steps[s.Cmd.ID] || s.Key > 0 && !here(s.Args[s.Key]) {
			return false
		}
	}
	return true
}
