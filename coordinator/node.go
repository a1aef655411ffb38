package coordinator

import (
	"cmp"
	"fmt"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/actors/system"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/slot"
)

// Node is what runs behind a gateway: the table, the shards and what spans them.
type Node struct {
	System *actor.ActorSystem
	Table  *command.Table
	Env    *saga.Env

	coldKeys int64
}

// Options make a Node.
type Options struct {
	Shards int
	Seed   uint64 // of the shards' hash functions and random numbers
	// System, if not nil, is the actor system to use.
	System *actor.ActorSystem
	// Locals are the rows of commands that the gateway carries out.
	Locals []*command.Row
	// Programs are commands that span shards, beyond saga.Commands.
	Programs []saga.Command
	Effects  engine.Effects
	Config   *engine.Config
	Logger   *slog.Logger
	// ColdKeys is how many keys the node must have for lookups to be prepared, see
	// shard.Ahead; 0: shard.ColdKeys, -1: they always are.
	ColdKeys int
}

// Start makes the table and starts the shards.
func Start(o Options) (*Node, error) {
	engineCommands := shard.Commands()
	programs := append(saga.Commands(), o.Programs...)
	table, err := command.NewTable(topRows(engineCommands, programs, o.Locals))
	if err != nil {
		return nil, fmt.Errorf("command table: %w", err)
	}
	n := &Node{System: o.System, Table: table, coldKeys: int64(cmp.Or(o.ColdKeys, shard.ColdKeys))}
	if n.System == nil {
		n.System = system.New(o.Logger)
	}
	handlers := engine.Handlers(table, engineCommands)
	shards := make([]*shard.Handle, o.Shards)
	for i := range shards {
		first, count := directory.Range(i, o.Shards)
		e := engine.New(engine.Options{
			FirstSlot: first, Slots: count, Seed: o.Seed + uint64(i),
			Handlers: handlers, Effects: o.Effects, Config: o.Config,
		})
		if shards[i], err = shard.Spawn(n.System, i, e); err != nil {
			return nil, err
		}
	}
	n.Env = saga.NewEnv(table, directory.Even(o.Shards), shards, programs)
	n.Env.Config.Store(o.Config)
	n.Env.Cold.Store(n.coldKeys < 0)
	n.Env.NewDraft = func() *engine.Engine {
		return engine.New(engine.Options{Slots: slot.Count, Seed: o.Seed, Handlers: handlers, Effects: mute{}})
	}
	return n, nil
}

// mute are the effects of what happens on a draft: none.
type mute struct{}

// Notify implements engine.Effects.
func (mute) Notify(int, engine.Class, string, []byte) {}

// topRows joins the lists of all layers. A container's subcommands stand in the
// lists beside it, perhaps in another layer's, and come into the table with it.
func topRows(engines []engine.Command, programs []saga.Command, locals []*command.Row) []*command.Row {
	var all, top []*command.Row
	for i := range engines {
		all = append(all, engines[i].Row)
	}
	for i := range programs {
		all = append(all, programs[i].Row)
	}
	all = append(all, locals...)
	sub := map[*command.Row]bool{}
	for _, row := range all {
		for _, s := range row.Subs {
			sub[s] = true
		}
	}
	for _, row := range all {
		if !sub[row] {
			top = append(top, row)
		}
	}
	return top
}

// Tick gives every shard its share of work that nobody asks for. A busy shard
// gets it as a message.
func (n *Node) Tick(now int64) {
	keys := int64(0)
	for _, h := range n.Env.Shards {
		tick := func(e *engine.Engine) { e.Tick(now) }
		if h.Lease.TryAcquire() {
			h.Lease.Invoke(shard.Func(tick))
			h.Lease.Release()
		} else {
			h.Tell(shard.Func(tick))
		}
		keys += h.Engine.Keys.Load()
	}
	n.Env.Cold.Store(keys >= n.coldKeys)
	data.Tidy()
}

// Stop ends all actors.
func (n *Node) Stop() {
	n.System.Shutdown()
}
