package sim

import (
	"fmt"
	"slices"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/coordinator/script"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
)

// Setup is what worlds share: the table and the programs. It does not change.
type Setup struct {
	shards   int
	table    *command.Table
	handlers []engine.Handler
	config   *engine.Config
	slots    *directory.Slots
	programs []saga.Command
	scripts  *script.Engine
}

// NewSetup returns a setup for worlds of so many shards.
func NewSetup(shards int) (*Setup, error) {
	engines, programs := shard.Commands(), saga.Commands()
	table, err := command.NewTable(topRows(engines, programs), []*command.Row{&selectRow})
	if err != nil {
		return nil, fmt.Errorf("command table: %w", err)
	}
	return &Setup{
		shards: shards, table: table, handlers: engine.Handlers(table, engines), config: engine.DefaultConfig(),
		slots: directory.Even(shards), programs: programs, scripts: script.New(script.Options{}),
	}, nil
}

// newEnv returns the env of a new process, which knows no directory yet. With drafts
// scripts run on drafts where they can.
func (s *Setup) newEnv(number directory.Number, drafts bool) *saga.Env {
	env := saga.NewEnv(s.table, s.slots, nil, s.programs)
	env.Scripts = s.scripts
	env.Config.Store(s.config)
	if drafts {
		env.NewDraft = func() *engine.Engine {
			return engine.New(engine.Options{Slots: slot.Count, Seed: seedOfShards, Handlers: s.handlers, Effects: silent{}})
		}
	}
	env.Where = directory.NewStore(&directory.Directory{
		Slots: s.slots, Self: number, Places: make([]directory.Place, s.shards),
	})
	return env
}

// find returns a command by its name, internal or not.
func (s *Setup) find(name string) *command.Info {
	for _, info := range s.table.All() {
		if info.FullName == name {
			return info
		}
	}
	panic("sim: no command " + name)
}

// selectRow stands for the gateway's SELECT, the command of a connection that
// transactions have here.
var selectRow = command.Row{Name: "select", Group: command.GroupConnection, Arity: 2, Route: command.RouteLocal}

// connection runs it.
type connection struct{}

// RunLocal implements saga.Local.
func (connection) RunLocal(_ *command.Info, args [][]byte, db *int, out *reply.Writer, _ *saga.Tx) {
	n, ok := num.ParseInt(args[1])
	if !ok || n < 0 || n >= keyspace.Databases {
		out.Error(reply.ErrDBIndex)
		return
	}
	*db = int(n)
	out.OK()
}

// topRows are the rows that are no subcommands of others.
func topRows(engines []engine.Command, programs []saga.Command) (top []*command.Row) {
	var all, subs []*command.Row
	for _, c := range engines {
		all, subs = append(all, c.Row), append(subs, c.Row.Subs...)
	}
	for _, c := range programs {
		all, subs = append(all, c.Row), append(subs, c.Row.Subs...)
	}
	for _, row := range all {
		if !slices.Contains(subs, row) {
			top = append(top, row)
		}
	}
	return top
}

// has tells whether clients can name the command.
func (s *Setup) has(name string) bool { return s.table.Lookup([]byte(name)) != nil }

// seedOfShards is the seed of the shards' hash functions, which no check
// depends on.
const seedOfShards = 1

func (s *Setup) engine(i int) *engine.Engine {
	first, count := directory.Range(i, s.shards)
	return engine.New(engine.Options{
		FirstSlot: first, Slots: count, Seed: seedOfShards, Handlers: s.handlers, Effects: silent{}, Config: s.config,
	})
}

type silent struct{}

func (silent) Notify(int, engine.Class, string, []byte) {}
