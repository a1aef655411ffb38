package session

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/gateway/netloop"
	"github.com/troupedb/troupe/gateway/resp"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

// Session is one client. Exported fields are for the commands of the connection;
// they belong to its loop, as everything does that is not said to be otherwise.
type Session struct {
	ID     uint64
	Server *Server
	Conn   *netloop.Conn
	DB     int
	Name   string
	Authed bool
	// Multi is the transaction being queued, nil outside of MULTI.
	Multi *Multi
	// Subs is how many channels, patterns and shard channels are subscribed to.
	Subs int
	// SubKinds is Subs by kind: channels, patterns, shard channels.
	SubKinds [3]int
	// Reply tells which replies the client wants.
	Reply ReplyMode
	// NoEvict is kept for CLIENT LIST.
	NoEvict bool

	w       *worker
	parser  resp.Parser
	limits  resp.Limits
	limitOf *Limits // what limits was made of
	lease   *shard.Handle
	pipe    pipe
	watches []saga.Watch
	blocked *blocking
	gone    outlived
	// postLater is post, as sagas that a loop drives are given it.
	postLater func(func())
	// selected takes over the database in which a transaction has ended.
	selected func(db int)
	last     *command.Info
	since    time.Time
	seen     int64 // Unix milliseconds of the last command
	mute     int   // start of the reply that CLIENT REPLY suppresses
	input    int   // bytes of input that this turn works on
	sought   bool  // the command that runs has looked for scripts elsewhere
	// postponing: some commands of the transaction that runs are done after it.
	postponing bool
	muted      bool  // CLIENT REPLY suppresses the reply of the command that runs
	softAt     int64 // since when the output is over the soft limit, Unix milliseconds
	killed     atomic.Bool

	mu   sync.Mutex // guards what follows
	info ClientInfo
	wait *blocking // blocked, for others
}

// ReplyMode is CLIENT REPLY.
type ReplyMode uint8

// The modes. SkipNext suppresses the reply of the command after this one.
const (
	ReplyOn ReplyMode = iota
	ReplyOff
	ReplySkipNext
	ReplySkip
)

// ClientInfo is what other connections may know of a session, as of the end of
// its last turn.
type ClientInfo struct {
	Name, Command  string
	DB, Subs       int
	SubKinds       [3]int
	Queued         int // commands between MULTI and EXEC, -1: none
	QueuedBytes    int
	Watching       int
	Blocked        bool
	Proto          uint8
	Unread, Unsent int
	Seen           int64
	NoEvict        bool
}

func newSession(srv *Server, c *netloop.Conn, w *worker) *Session {
	s := &Session{
		ID: srv.newClientID(), Server: srv, Conn: c, w: w,
		since: time.Now(), seen: w.clock(),
	}
	c.W.Proto = reply.RESP2
	s.pipe.memory = &w.pipes
	s.selected = func(db int) { s.DB = db }
	s.Authed = srv.Limits.Load().Password == ""
	s.publish()
	return s
}

// Since returns when the connection was opened.
func (s *Session) Since() time.Time { return s.since }

// Info returns what is known of the session. It may be called from any goroutine.
func (s *Session) Info() ClientInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	info := s.info
	info.Unsent = int(s.Conn.Unsent())
	return info
}

// publish brings Info up to date.
func (s *Session) publish() {
	queued, queuedBytes := -1, 0
	if s.Multi != nil {
		queued, queuedBytes = len(s.Multi.Queue), s.Multi.words.Size()
	}
	name := "NULL"
	if s.last != nil {
		name = s.last.FullName
	}
	s.mu.Lock()
	s.info = ClientInfo{
		Name: s.Name, Command: name, DB: s.DB, Subs: s.Subs, SubKinds: s.SubKinds,
		Queued: queued, QueuedBytes: queuedBytes, Watching: len(s.watches),
		Blocked: s.blocked != nil, Proto: s.Conn.W.Proto,
		Unread: max(s.Conn.Unread(), s.input), Seen: s.seen, NoEvict: s.NoEvict,
	}
	s.wait = s.blocked
	s.mu.Unlock()
}

// Closed implements netloop.Session.
func (s *Session) Closed() {
	s.endPosts()
	if s.pipe.len() > 0 {
		s.w.waiting--
	}
	s.guard(func() {
		if s.blocked != nil {
			s.blocked.end()
		}
		s.Unwatch()
		if s.Server.Hub != nil {
			s.Server.Hub.Leave(s)
		}
	})
	s.Server.forget(s)
}

// Reset brings the session back to how it was opened, but for what RESET keeps.
func (s *Session) Reset() {
	s.Multi = nil
	s.Unwatch()
	if s.Server.Hub != nil {
		s.Server.Hub.Leave(s)
	}
	s.SubKinds = [3]int{}
	s.Subs, s.DB, s.Name, s.Reply, s.NoEvict = 0, 0, "", ReplyOn, false
	s.Conn.W.Proto = reply.RESP2
	s.Authed = s.Server.Limits.Load().Password == ""
	s.refreshLimits()
}

// Refresh makes the session obey settings, and its own authentication, that have
// changed since its input came.
func (s *Session) Refresh() { s.refreshLimits() }

// Publish brings Info up to date in the middle of a turn.
func (s *Session) Publish() { s.publish() }

// Input returns how many bytes of input the turn that runs works on.
func (s *Session) Input() int { return s.input }

// PublishAs is Publish for a command whose turn is over: Info shows that much input.
func (s *Session) PublishAs(input int) {
	was := s.input
	s.input = max(was, input)
	s.publish()
	s.input = was
}

// refreshLimits takes over changed settings.
func (s *Session) refreshLimits() {
	l := s.Server.Limits.Load()
	if l == s.limitOf && s.limits.Unauthenticated == !s.Authed {
		return
	}
	s.limitOf = l
	s.limits = resp.DefaultLimits()
	s.limits.MaxBulk, s.limits.MaxQuery = l.MaxBulk, l.MaxQuery
	s.limits.Unauthenticated = !s.Authed
}

func isLoopback(remote string) bool {
	a, err := netip.ParseAddrPort(remote)
	return err == nil && a.Addr().Unmap().IsLoopback()
}

func sortByID(list []*Session) {
	slices.SortFunc(list, func(a, b *Session) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
}
