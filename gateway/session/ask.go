package session

import (
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/gateway/peer"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/words"
)

// What is not in shards (clients, scripts, counters) each node has of its own. A
// command about it that is to answer for the whole cluster does its part here and
// asks the other nodes to do theirs: the question is the command itself, which runs
// there without a session (Command.Here) and so asks nobody else.

// topicAsk is of such questions.
const topicAsk peer.Topic = 'A'

// askPatience is how long nodes that are held to be up are waited for.
const askPatience = 3 * time.Second

// HereHandler carries out a node's part of a command that another node asks for, on an
// event loop. It keeps no args.
type HereHandler func(srv *Server, args [][]byte, w *reply.Writer)

// Told is what a node has answered to a question.
type Told struct {
	From  directory.Number
	Reply []byte // nil: it has not answered
}

// Answers are of the nodes that were asked, in their order.
type Answers []Told

// Each calls f with each answer there is.
func (a Answers) Each(f func(from directory.Number, v reply.Value)) {
	for i := range a {
		if a[i].Reply != nil {
			v, _ := reply.Parse(a[i].Reply)
			f(a[i].From, v)
		}
	}
}

// Sum adds the integers that were answered.
func (a Answers) Sum() (sum int64) {
	a.Each(func(_ directory.Number, v reply.Value) { sum += v.Int })
	return sum
}

// Silent names the nodes that have not answered, "" if all have.
func (srv *Server) Silent(a Answers) string {
	var names []string
	for i := range a {
		if a[i].Reply != nil {
			continue
		}
		name := strconv.Itoa(int(a[i].From))
		if m := srv.Env.Where.Load().Member(a[i].From); m != nil && m.Name != "" {
			name = m.Name
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// newClientID returns a number that no other client of the cluster has, and that is
// larger than those of this node's earlier ones.
func (srv *Server) newClientID() uint64 {
	return srv.nextID.Add(1)<<clientNodeBits | uint64(srv.Env.Self())
}

// clientNodeBits is what a client's number has for that of its node.
const clientNodeBits = 10

// NodeOfClient returns the number of the node that a client is connected to.
func NodeOfClient(id int64) directory.Number {
	return directory.Number(id & (1<<clientNodeBits - 1))
}

// Others returns the other nodes of the cluster that are not known to be down.
func (srv *Server) Others() (others []directory.Number) {
	d := srv.Env.Where.Load()
	if len(d.Members) < 2 || srv.Streams == nil {
		return nil
	}
	for i := range d.Members {
		if m := &d.Members[i]; m.Number != d.Self && m.State != directory.Down {
			others = append(others, m.Number)
		}
	}
	return others
}

// AttachStreams gives the server its streams to other nodes, before they are opened.
func (srv *Server) AttachStreams(n *peer.Net) {
	srv.Streams = n
	n.Listen(topicAsk, func(_ directory.Number, content []byte, answer func([]byte)) error {
		out, err := srv.hear(content)
		if err == nil && answer != nil {
			answer(out)
		}
		return err
	})
}

// hear answers a question.
func (srv *Server) hear(content []byte) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			srv.recovered(p)
			w := reply.Writer{}
			w.Error(reply.ErrInternal)
			out = w.Buf
		}
	}()
	id, args, err := parseQuestion(content)
	if err != nil || id >= uint64(len(srv.heres)) || srv.heres[id] == nil {
		return nil, errQuestion
	}
	w := reply.Writer{Proto: reply.RESP2}
	srv.heres[id](srv, args, &w)
	return w.Buf, nil
}

// Ask asks nodes for their part of a command. then is called once, on any goroutine,
// when all have answered, or one has in a way that is enough, or patience is over.
func (srv *Server) Ask(to []directory.Number, cmd *command.Info, args [][]byte, enough func(reply.Value) bool, then func(Answers)) {
	if len(to) == 0 {
		then(nil)
		return
	}
	g := newGathering(to, enough, then)
	content := appendQuestion(nil, cmd, args)
	for i, n := range to {
		srv.Streams.Ask(n, topicAsk, content, func(answer []byte, ok bool) { g.take(i, answer, ok) })
	}
}

// gathering is a question on its way.
type gathering struct {
	enough func(reply.Value) bool
	then   func(Answers)

	mu      sync.Mutex
	timer   *time.Timer
	answers Answers
	left    int
	over    bool
}

func newGathering(to []directory.Number, enough func(reply.Value) bool, then func(Answers)) *gathering {
	g := &gathering{answers: make(Answers, len(to)), left: len(to), enough: enough, then: then}
	for i, n := range to {
		g.answers[i].From = n
	}
	g.mu.Lock() // the timer may be early
	g.timer = time.AfterFunc(askPatience, g.end)
	g.mu.Unlock()
	return g
}

func (g *gathering) take(i int, answer []byte, ok bool) {
	g.mu.Lock()
	if g.over {
		g.mu.Unlock()
		return
	}
	g.left--
	complete := g.left == 0
	if ok && len(answer) > 0 {
		g.answers[i].Reply = answer
		if g.enough != nil {
			v, _ := reply.Parse(answer)
			complete = complete || g.enough(v)
		}
	}
	g.mu.Unlock()
	if complete {
		g.end()
	}
}

func (g *gathering) end() {
	g.mu.Lock()
	was := g.over
	g.over = true
	g.timer.Stop()
	g.mu.Unlock()
	if !was {
		g.then(g.answers)
	}
}

// A question is the command's number in the table, which all nodes of a cluster
// share, and its words with their lengths.
func appendQuestion(dst []byte, cmd *command.Info, args [][]byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(cmd.ID))
	for _, a := range args {
		dst = append(binary.AppendUvarint(dst, uint64(len(a))), a...)
	}
	return dst
}

var errQuestion = errors.New("malformed question")

func parseQuestion(b []byte) (id uint64, args [][]byte, err error) {
	id, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, errQuestion
	}
	for b = b[n:]; len(b) > 0; {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return 0, nil, errQuestion
		}
		args = append(args, b[n:n+int(size)])
		b = b[n+int(size):]
	}
	return id, args, nil
}

// AskOthers asks all other nodes for their part of the command, lets the client wait
// until they have answered, and then calls then, which writes the reply.
func (s *Session) AskOthers(r *LocalCall, then func(r *LocalCall, a Answers)) {
	s.AskNodes(r, s.Server.Others(), r.Args, then)
}

// AskNodes is AskOthers for some of them, with other words.
func (s *Session) AskNodes(r *LocalCall, to []directory.Number, args [][]byte, then func(r *LocalCall, a Answers)) {
	if len(to) == 0 || r.Tx != nil {
		then(r, nil)
		return
	}
	cmd, own := r.Cmd, words.Clone(args)
	s.Later(r, func(done func(any)) {
		s.Server.Ask(to, cmd, own, nil, func(a Answers) { done(a) })
	}, func(r *LocalCall, v any) { then(r, v.(Answers)) })
}

// Later lets the client wait for what start begins, which is to call done once, on any
// goroutine. then gets its result on the session's loop, even if the connection has
// ended by then, with a call that owns its memory, and writes the reply. It is not
// for calls in transactions and scripts: see splice.
func (s *Session) Later(r *LocalCall, start func(done func(any)), then func(r *LocalCall, v any)) {
	own := &LocalCall{Cmd: r.Cmd, Args: words.Clone(r.Args), Out: &reply.Writer{Proto: r.Out.Proto}, DB: r.DB, done: r.done}
	if own.done == nil {
		own.done = s.answerLate
	}
	r.late = true
	s.Conn.Pause()
	start(func(v any) {
		s.post(func() {
			if then(own, v); !own.late {
				own.done(own.Out)
			}
		})
	})
}

// AskUntil is AskOthers again and again until those that answer do so as is good, or
// patience is over.
func (s *Session) AskUntil(r *LocalCall, args [][]byte, good func(a Answers) bool, then func(r *LocalCall, a Answers)) {
	to := s.Server.Others()
	cmd, own := r.Cmd, words.Clone(args)
	until := time.Now().Add(askPatience)
	s.Later(r, func(done func(any)) {
		var ask func(wait time.Duration)
		ask = func(wait time.Duration) {
			s.Server.Ask(to, cmd, own, nil, func(a Answers) {
				if good(a) || time.Now().After(until) {
					done(a)
					return
				}
				time.AfterFunc(wait, func() { ask(min(2*wait, lastRetry)) })
			})
		}
		ask(firstRetry)
	}, func(r *LocalCall, v any) { then(r, v.(Answers)) })
}

func (s *Session) answerLate(out *reply.Writer) {
	if !s.gone.closed.Load() {
		s.answer(out)
	}
}

// Delegate leaves the reply of a local command, outside of transactions and scripts,
// to a call that spans shards.
func (s *Session) Delegate(r *LocalCall, call *saga.Call) {
	r.late = true
	s.Call(call, r.done)
}
