package saga

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

// Program carries out one command that spans shards: it parses t.Args, runs
// steps, and writes exactly one reply to t.Out. Steps run in the database t.DB,
// which a program may change for a while. It keeps nothing between runs, as it may
// be stopped at any step and be run again from the start.
type Program func(t *Tx)

// Command joins a row to its program.
type Command struct {
	Row *command.Row
	// Run carries the command out. It may be left out where a Plan does so always.
	Run  Program
	Plan *Plan
	// Computes tells that the program may touch keys which its row's key specs
	// do not find (scripts; COPY and MOVE, whose other key is in another
	// database).
	Computes bool
	// Hurries tells that a program which Computes gives up before it keeps an event
	// loop for long, and may run on a draft: a script.
	Hurries bool
}

// Step is one engine command of a program.
type Step struct {
	Cmd  *command.Info
	Args [][]byte
	// Key is the position of the key in Args. With 0 the step is for the whole
	// of the shard numbered Shard.
	Key   int
	Shard int
	// Wait, if not nil, is put into the queue of the key instead of running Cmd.
	Wait *engine.Waiter
	// Reply is the step's answer in RESP2, valid until the program ends.
	Reply []byte

	from, to int // of Reply, in the writer that took it
}

// Call is what a gateway asks for. Its memory is the caller's; a call that goes
// by messages must own it until it is done, see Own.
type Call struct {
	Cmd  *command.Info
	Args [][]byte
	DB   int
	Now  int64 // Unix milliseconds
	Out  *reply.Writer
	// Client is whose call it is, for logs; 0 if that is not known.
	Client uint64
	// Exec is what EXEC is to run, and what it watches.
	Queue   []Queued
	Watches []Watch
	// Group is the calls that this one carries out, see Group.
	Group *Group
	// Selected is told the database in which EXEC has ended, if it is another
	// than the one in which it began.
	Selected func(db int)
	// Local runs commands that belong to the connection.
	Local Local
	// Post runs a function on the connection's own goroutine, soon and once, even
	// if the connection has ended by then. Calls by messages have it: Local, Block
	// and what programs defer run there only.
	Post func(func())
	// Gate tells why a command with these flags must not run now (memory,
	// replicas), "" if it may. Scripts ask it before their first write. Nil: always.
	// It may be called on any goroutine.
	Gate func(command.Flag) reply.Error
	// Block is called when the program wants to wait; nil where it may not
	// (in EXEC and scripts).
	Block func(*Blocked)
	// Waited tells that the call runs again after it has waited: what it finds of
	// another type than it waits for, it passes over.
	Waited bool
}

// Queued is one command between MULTI and EXEC.
type Queued struct {
	Cmd  *command.Info
	Args [][]byte
}

// Watch is a watched key and the version its shard gave it.
type Watch struct {
	DB      int
	Key     []byte
	Version int64
}

// Local runs commands of RouteLocal for EXEC and scripts. db is the database
// selected in there. It is called on the connection's own goroutine.
type Local interface {
	RunLocal(cmd *command.Info, args [][]byte, db *int, out *reply.Writer, t *Tx)
}

// executor is the way in which steps travel.
type executor interface {
	// do runs steps at their shards, in an order that keeps each shard's, and
	// appends their replies to w in order, marking each step's part.
	do(t *Tx, steps []Step, w *reply.Writer)
	// local runs a command of the connection.
	local(t *Tx, cmd *command.Info, args [][]byte)
	// hurried tells that others wait for this goroutine, so that a program
	// should give up rather than take long.
	hurried() bool
}

// Tx is one run of a program.
type Tx struct {
	Args [][]byte
	Cmd  *command.Info
	DB   int
	Now  int64
	Out  *reply.Writer
	Call *Call
	// Nested tells that the program runs inside EXEC or a script: it must not
	// block.
	Nested bool

	env      *Env
	exec     executor
	scratch  reply.Writer
	one      [1]Step
	steps    []Step
	deferred []func()
	script   *scriptRun
	then     Queued // see Then
	handed   *Handed
}

// Do runs steps and leaves their answers in Reply.
func (t *Tx) Do(steps []Step) {
	t.exec.do(t, steps, &t.scratch)
	t.hand(steps)
}

// hand gives steps their replies, which are in scratch.
func (t *Tx) hand(steps []Step) {
	for i := range steps {
		steps[i].Reply = t.scratch.Buf[steps[i].from:steps[i].to]
	}
}

// Into runs steps and appends their answers to the client's reply, in order.
func (t *Tx) Into(steps []Step) { t.exec.do(t, steps, t.Out) }

// Ask runs one engine command, whose key is its first argument, and returns its
// answer in RESP2.
func (t *Tx) Ask(cmd *command.Info, args ...[]byte) []byte {
	steps := []Step{{Cmd: cmd, Args: args, Key: 1}}
	t.Do(steps)
	return steps[0].Reply
}

// Steps returns a slice of n steps that is reused between programs. A program
// that needs two at once makes its own.
func (t *Tx) Steps(n int) []Step {
	if cap(t.steps) < n {
		t.steps = make([]Step, n)
	}
	t.steps = t.steps[:n]
	clear(t.steps)
	return t.steps
}

// Find returns a command of the table, internal or not, by its name. The name
// is the program's own, so it is there.
func (t *Tx) Find(name string) *command.Info { return t.env.Find(name) }

// Shards returns the number of shards, for programs over all of them.
func (t *Tx) Shards() int { return t.env.Slots.Shards() }

// Env returns what all sagas of the node share.
func (t *Tx) Env() *Env { return t.env }

// Run runs any command inside this saga and appends its reply to t.Out: what
// EXEC does with its queue and a script with redis.call. Keys are checked for
// sense already.
func (t *Tx) Run(cmd *command.Info, args [][]byte) {
	switch cmd.Route {
	case command.RouteSingle:
		t.one[0] = Step{Cmd: cmd, Args: args, Key: t.env.keyAt(cmd, args)}
		t.exec.do(t, t.one[:], t.Out)
	case command.RouteLocal:
		t.exec.local(t, cmd, args)
		if then := t.then; then.Cmd != nil {
			t.then = Queued{}
			t.Run(then.Cmd, then.Args)
		}
	case command.RouteRefuse:
		t.Out.Error(reply.Error("ERR '" + cmd.FullName + "' is not supported"))
	default:
		t.nested(cmd, args)
	}
}

// nested runs another program inside this one. Only its reply outlives it.
func (t *Tx) nested(cmd *command.Info, args [][]byte) {
	outerArgs, outerCmd, outerNested, outerSteps, scratch := t.Args, t.Cmd, t.Nested, t.steps, len(t.scratch.Buf)
	t.Args, t.Cmd, t.Nested, t.steps = args, cmd, true, nil
	t.env.programs[cmd.ID](t)
	t.Args, t.Cmd, t.Nested, t.steps = outerArgs, outerCmd, outerNested, outerSteps
	t.scratch.Buf = t.scratch.Buf[:scratch]
}

// Then is for a Local that has to leave its command to another, whose reply will be
// in its place. A Local cannot Run it: it is not where the program runs.
func (t *Tx) Then(cmd *command.Info, args [][]byte) { t.then = Queued{cmd, args} }

// Defer makes f run once the saga is committed: for what cannot be undone.
func (t *Tx) Defer(f func()) { t.deferred = append(t.deferred, f) }
