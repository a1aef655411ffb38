package saga

import (
	"sync/atomic"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/script"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/slot"
)

// Env is what all sagas of a node share.
type Env struct {
	Table *command.Table
	Slots *directory.Slots
	// Where is the newest directory: which member has a shard.
	Where   *directory.Store
	Shards  []*shard.Handle
	Scripts *script.Engine
	Running *Running
	Pulse   Pulse
	// Cold tells that the node has so many keys that lookups mostly wait for memory, see
	// shard.Ahead.
	Cold atomic.Bool
	// Config is that of the shards.
	Config atomic.Pointer[engine.Config]
	// NewDraft returns an empty engine of all slots, for a draft; nil: there are none.
	NewDraft func() *engine.Engine

	ids      atomic.Uint64 // the last identity of a saga, without its node
	programs []Program
	plans    []*Plan
	computes []bool      // by command: Command.Computes
	hurries  []bool      // and Command.Hurries
	drafts   chan *draft // that wait for a script
	drafted  []bool      // by command, see drafted
	byName   map[string]*command.Info
	group    *command.Info // nil if the table has none
	seeds    atomic.Uint32 // the last of scripts
}

// NewEnv joins the table to the programs of commands.
func NewEnv(table *command.Table, slots *directory.Slots, shards []*shard.Handle, commands []Command) *Env {
	e := &Env{
		Table: table, Slots: slots, Where: directory.NewStore(directory.Single(slots)), Shards: shards,
		Scripts:  script.New(script.Options{}),
		Running:  &Running{},
		programs: make([]Program, table.Len()),
		plans:    make([]*Plan, table.Len()),
		computes: make([]bool, table.Len()),
		hurries:  make([]bool, table.Len()),
		drafted:  make([]bool, table.Len()),
		drafts:   make(chan *draft, keptDrafts),
		byName:   map[string]*command.Info{},
	}
	byRow := map[*command.Row]Command{}
	for _, c := range commands {
		byRow[c.Row] = c
	}
	for _, info := range table.All() {
		e.byName[info.FullName] = info
		c := byRow[info.Row]
		if e.programs[info.ID], e.plans[info.ID] = c.Run, c.Plan; c.Run == nil && c.Plan != nil {
			e.programs[info.ID] = c.Plan.run
		}
		e.computes[info.ID], e.hurries[info.ID], e.drafted[info.ID] = c.Computes, c.Hurries, drafted(info)
	}
	e.group = e.byName[groupName]
	return e
}

// scriptSeed returns where a script's math.random starts. It differs from script to
// script and, as in Redis, is the same after each start of the node.
func (e *Env) scriptSeed() uint32 {
	const odd = 0x9e3779b1 // near 2^32 divided by the golden ratio: spreads successive seeds
	return (e.seeds.Add(1) - 1) * odd
}

// Identities of sagas are milliseconds since idEpoch, a sequence that tells those of
// one millisecond apart, and the number of the coordinator's node.
const (
	idEpoch      = 1_577_836_800_000 // 2020-01-01, Unix milliseconds
	idNodeBits   = 10
	idSerialBits = 12
)

// NewID returns the identity of a new saga, which is also its age: on all nodes
// together as exactly as their clocks agree. now is in Unix milliseconds.
func (e *Env) NewID(now int64) engine.SagaID {
	for {
		was := e.ids.Load()
		id := max(was+1, uint64(max(now-idEpoch, 1))<<idSerialBits)
		if e.ids.CompareAndSwap(was, id) {
			return engine.SagaID(id<<idNodeBits | uint64(e.Self()))
		}
	}
}

// Self returns the number of this node.
func (e *Env) Self() directory.Number {
	if e.Where == nil {
		return 0 // in tests of a coordinator alone
	}
	return e.Where.Load().Self
}

// NodeOf returns the number of the node that coordinates a saga.
func NodeOf(id engine.SagaID) directory.Number { return directory.Number(id & (1<<idNodeBits - 1)) }

// BornAt returns about when a saga began, Unix milliseconds.
func BornAt(id engine.SagaID) int64 { return int64(id>>(idNodeBits+idSerialBits)) + idEpoch }

// place returns where a shard is.
func (e *Env) place(shard int) directory.Place {
	if e.Where == nil {
		return directory.Place{}
	}
	return e.Where.Load().Places[shard]
}

// Find returns a command by its full name. Only names in the code are looked up
// here, so a missing one is a defect.
func (e *Env) Find(name string) *command.Info {
	info := e.byName[name]
	if info == nil {
		panic("saga: no command " + name + " in the table")
	}
	return info
}

// ShardOf returns the shard that owns key.
func (e *Env) ShardOf(key []byte) int { return e.Slots.Shard(slot.Of(key)) }

// keyAt returns where the only key of a single-key command stands.
func (e *Env) keyAt(cmd *command.Info, args [][]byte) int {
	if cmd.KeyPos > 0 {
		return cmd.KeyPos
	}
	var scratch [4]command.KeyPos
	keys, err := command.Keys(cmd, args, scratch[:0])
	if err != nil || len(keys) == 0 {
		return 0
	}
	return keys[0].Pos
}
