package session

import (
	"crypto/rand"
	"encoding/hex"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupedb/troupe/coordinator"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/gateway/netloop"
	"github.com/troupedb/troupe/gateway/peer"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/wire"
)

// LocalHandler carries out a command of RouteLocal and appends one reply to out,
// unless it has paused the connection and will reply later.
type LocalHandler func(s *Session, r *LocalCall)

// LocalCall is one local command.
type LocalCall struct {
	Cmd  *command.Info
	Args [][]byte
	Out  *reply.Writer
	// Tx is the transaction or script in which the command runs, or nil.
	Tx *saga.Tx
	// DB is where the selected database is kept.
	DB *int

	late bool                    // the reply comes later
	done func(out *reply.Writer) // takes it then, nil: the client does
}

// Command joins a row to its local handler.
type Command struct {
	Row *command.Row
	Run LocalHandler
	// Here, if not nil, is a node's part of a command that is for all nodes: what it
	// does for another node that asks with the same words.
	Here HereHandler
	// Wide tells whether a command with these words is for all nodes; nil: with any.
	Wide func(args [][]byte) bool
}

// Sagas carries out calls by messages.
type Sagas interface {
	// Submit runs the call, which owns its memory. done is called once, on any
	// goroutine, when the reply is in call.Out or the call has blocked.
	Submit(call *saga.Call, done func())
	// Drive is Submit for a call whose saga the loop of d drives.
	Drive(d coordinator.Driver, ticket uint64, call *saga.Call, post func(func()))
	// NewGatherer returns what carries calls of a loop out together.
	NewGatherer() *coordinator.Gatherer
	// Handoff prepares a blocked call to go on as the saga of its waiter. done is
	// Submit's.
	Handoff(id engine.SagaID, call *saga.Call, done func()) func(db int, key []byte, place uint64)
	// Await makes the waiter of a blocked call known to shards of other nodes, and
	// Forsake takes it out of the queues of its keys.
	Await(w *engine.Waiter)
	Forsake(w *engine.Waiter, db int, keys [][]byte)
	// Unwatch ends watches.
	Unwatch(watches []saga.Watch)
}

// Limits are the settings that sessions read at every command or connection.
// They are replaced as a whole.
type Limits struct {
	Password      string // requirepass, "" for none
	MaxClients    int
	MaxBulk       int64 // proto-max-bulk-len
	MaxQuery      int64 // client-query-buffer-limit
	MaxMemory     int64 // maxmemory, 0: as much as there is
	IdleSeconds   int   // timeout, 0: never
	KeepAlive     int   // tcp-keepalive, seconds
	BusyMillis    int64 // busy-reply-threshold
	ProtectedMode bool
	NeedsReplicas bool // min-replicas-to-write, which no node has
	Debug         DebugAccess
	Output        [3]OutputLimit // client-output-buffer-limit by class
}

// DebugAccess is enable-debug-command.
type DebugAccess uint8

// Who may say DEBUG.
const (
	DebugNobody DebugAccess = iota
	DebugAll
	DebugLocal // clients on the loopback interface
)

// Config is the node's settings as CONFIG sees them.
type Config interface {
	// Get returns the settings whose names match one of the patterns.
	Get(patterns [][]byte) []ConfigPair
	// Set takes pairs of name and value, all or none. The error is the client's
	// answer, and empty if they are taken.
	Set(pairs [][]byte) reply.Error
	// Split checks pairs as Set does, and tells those that hold for the whole cluster,
	// with their values as they are shown, from those of this node.
	Split(pairs [][]byte) (wide []string, own [][]byte, err reply.Error)
	// Adopt takes the cluster's settings, pairs of name and value, as they are now. The
	// error tells of those that are not for this node, which the others do not need.
	Adopt(pairs []string) error
	// Value returns the value of one setting, which is there.
	Value(name string) string
}

// ConfigPair is one setting.
type ConfigPair struct{ Name, Value string }

// OutputLimit is one class of client-output-buffer-limit, in bytes and seconds.
type OutputLimit struct {
	Hard, Soft  int64
	SoftSeconds int
}

// The classes of client-output-buffer-limit.
const (
	ClassNormal = iota
	ClassReplica
	ClassPubSub
)

// Server is what all sessions of a node share.
type Server struct {
	Table *command.Table
	Env   *saga.Env
	Sagas Sagas
	// Limits is replaced by CONFIG SET.
	Limits atomic.Pointer[Limits]
	// Engine is the shards' part of the configuration.
	Engine atomic.Pointer[engine.Config]
	// NonLoopback tells that the node listens beyond this machine, which
	// protected mode refuses without a password.
	NonLoopback bool
	Stats       Stats
	Started     time.Time
	Hub         Hub
	Config      Config
	Cluster     Cluster // nil: the node is on its own
	Port        int
	// Shutdown ends the node; it returns at once.
	Shutdown func()
	// RunID is the node's own, 40 hexadecimal digits, new at each start.
	RunID string

	// Streams lead to the other nodes.
	Streams *peer.Net

	// lease is until when the node may serve its shards, in nanoseconds since Started.
	lease atomic.Int64

	calls   callStats
	samples samples
	debug   *command.Info // DEBUG, which most nodes refuse
	locals  []LocalHandler
	heres   []HereHandler              // by command
	wides   []func(args [][]byte) bool // by command
	evalSHA []bool                     // by command
	nextID  atomic.Uint64
	mu      sync.Mutex
	clients map[uint64]*Session
}

// Hub is the part of pub/sub that sessions need.
type Hub interface {
	// Leave ends all subscriptions of a session that has closed.
	Leave(s *Session)
	// Counts returns how many channels, patterns and shard channels have
	// subscribers. It may be called from any goroutine.
	Counts() (channels, patterns, shardChannels int)
}

// Stats are counters for INFO. They are brought up to date once a loop turn.
type Stats struct {
	Connections, Rejected    atomic.Uint64
	Commands, Errors         atomic.Uint64
	Inline, Messages, Posted atomic.Uint64
	NetIn, NetOut            atomic.Uint64
	Recovered                atomic.Uint64
	Blocked                  atomic.Int64
	OutputDisconnects        atomic.Uint64
	QueryDisconnects         atomic.Uint64
}

// NewServer joins the parts. Limits, Engine and Hub must be set before sessions
// are opened.
func NewServer(env *saga.Env, sagas Sagas, commands []Command) *Server {
	srv := &Server{
		Table: env.Table, Env: env, Sagas: sagas,
		locals:  make([]LocalHandler, env.Table.Len()),
		heres:   make([]HereHandler, env.Table.Len()),
		wides:   make([]func([][]byte) bool, env.Table.Len()),
		evalSHA: make([]bool, env.Table.Len()),
		clients: map[uint64]*Session{},
		Started: time.Now(),
		RunID:   newRunID(),
		calls:   newCallStats(env.Table.Len()),
		debug:   env.Table.Lookup([]byte("debug")),
	}
	srv.lease.Store(math.MaxInt64)
	byRow := map[*command.Row]Command{}
	for _, c := range commands {
		byRow[c.Row] = c
	}
	for _, info := range env.Table.All() {
		c := byRow[info.Row]
		srv.locals[info.ID], srv.heres[info.ID], srv.wides[info.ID] = c.Run, c.Here, c.Wide
		srv.evalSHA[info.ID] = info.FullName == "evalsha" || info.FullName == "evalsha_ro"
	}
	return srv
}

// newRunID returns 20 random bytes as hexadecimal digits.
func newRunID() string {
	var id [20]byte
	_, _ = rand.Read(id[:]) // never fails: it ends the process instead
	return hex.EncodeToString(id[:])
}

// worker is what the sessions of a loop share.
type worker struct {
	srv    *Server
	fenced bool // the node may not serve its shards in this turn
	runner *saga.Runner
	req    engine.Request
	call   saga.Call
	local  LocalCall
	multi  *Multi // to be used again
	now    int64  // Unix milliseconds, of this turn
	turn   bool   // now is of this turn
	calls  turnCalls
	loop   *peer.Loop
	abroad wire.Request
	keys   []command.KeyPos // scratch
	ahead  lookahead
	pipes  pipeMemory

	commands, errors, inline, netIn, netOut uint64
	driving                                 int // calls
	waiting                                 int // sessions that have commands away
	gatherer                                *coordinator.Gatherer
}

// NewWorker implements netloop.Handler.
func (srv *Server) NewWorker() any {
	w := &worker{srv: srv, runner: srv.Env.NewRunner(), calls: newTurnCalls(srv.Env.Table.Len())}
	if srv.Streams != nil {
		w.loop = srv.Streams.NewLoop()
	}
	return w
}

// LoopOf returns the streams of the loop that has this worker.
func LoopOf(w any) *peer.Loop { return w.(*worker).loop }

// Turn implements netloop.Handler.
func (srv *Server) Turn(w any) (leisure bool) {
	wk := w.(*worker)
	wk.begin()
	wk.turn = false
	if wk.loop != nil {
		wk.loop.Turn()
	}
	if wk.commands > 0 || wk.errors > 0 {
		srv.flush(wk)
	}
	return wk.waiting == 0
}

// begin begins the sagas of calls that were gathered.
func (w *worker) begin() {
	if w.gatherer == nil || !w.gatherer.Waits() {
		return
	}
	if now := w.clock(); w.fenced {
		w.gatherer.Refuse(errFenced)
	} else {
		w.gatherer.Begin(now)
	}
}

// flush adds what the worker has counted to the totals.
func (srv *Server) flush(wk *worker) {
	srv.Stats.Commands.Add(wk.commands)
	srv.Stats.Inline.Add(wk.inline)
	srv.Stats.NetIn.Add(wk.netIn)
	srv.Stats.NetOut.Add(wk.netOut)
	if wk.errors > 0 {
		srv.Stats.Errors.Add(wk.errors)
	}
	wk.commands, wk.errors, wk.inline, wk.netIn, wk.netOut = 0, 0, 0, 0, 0
	srv.calls.add(&wk.calls)
}

// clock returns the time of this turn.
func (w *worker) clock() int64 {
	if !w.turn {
		now := time.Now()
		w.now, w.turn = now.UnixMilli(), true
		w.fenced = w.srv.fencedAt(now)
	}
	return w.now
}

// Serve says until when the node may serve its shards.
func (srv *Server) Serve(until time.Time) {
	if srv.Fenced() {
		srv.Env.Pulse.Lapsed()
	}
	srv.lease.Store(int64(until.Sub(srv.Started)))
}

// Fenced tells that the node may not serve its shards now: it has not heard from
// the catalog for so long that others may have been given them.
func (srv *Server) Fenced() bool { return srv.fencedAt(time.Now()) }

func (srv *Server) fencedAt(now time.Time) bool {
	return int64(now.Sub(srv.Started)) > srv.lease.Load()
}

const (
	errMaxClients reply.Error = "ERR max number of clients reached"
	errProtected  reply.Error = "DENIED This node runs in protected mode: it listens beyond this machine and has no password, " +
		"so it answers clients on the loopback interface only. Set a password (--requirepass, or CONFIG SET requirepass " +
		"from the node's own machine), or bind to the loopback interface, or turn protected mode off with " +
		"CONFIG SET protected-mode no if the network is trusted."
)

// Open is the netloop.Opener of clients.
func (srv *Server) Open(c *netloop.Conn, w any) netloop.Session {
	srv.Stats.Connections.Add(1)
	limits := srv.Limits.Load()
	if limits.ProtectedMode && limits.Password == "" && srv.NonLoopback && !isLoopback(c.Remote) {
		srv.Stats.Rejected.Add(1)
		c.W.Error(errProtected)
		return nil
	}
	s := newSession(srv, c, w.(*worker))
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if len(srv.clients) >= limits.MaxClients {
		srv.Stats.Rejected.Add(1)
		c.W.Error(errMaxClients)
		return nil
	}
	srv.clients[s.ID] = s
	return s
}

func (srv *Server) forget(s *Session) {
	srv.mu.Lock()
	delete(srv.clients, s.ID)
	srv.mu.Unlock()
}

// Clients returns the open sessions in the order of their ids.
func (srv *Server) Clients() []*Session {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	list := make([]*Session, 0, len(srv.clients))
	for _, s := range srv.clients {
		list = append(list, s)
	}
	sortByID(list)
	return list
}

// ClientCount returns the number of open sessions.
func (srv *Server) ClientCount() int {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return len(srv.clients)
}
