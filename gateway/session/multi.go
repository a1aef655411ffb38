package session

import (
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/words"
)

// Multi is a transaction being queued.
type Multi struct {
	Queue  []saga.Queued
	Failed bool // a command was refused: EXEC will be too

	words words.List // of the commands in Queue
}

// queue keeps a command for EXEC.
func (s *Session) queue(info *command.Info, args [][]byte) {
	s.Multi.Queue = append(s.Multi.Queue, saga.Queued{Cmd: info, Args: s.Multi.words.Clone(args)})
	s.Conn.W.Simple("QUEUED")
}

// keptQueue and keptWords are how large a transaction, in commands and bytes, is
// whose memory is kept for the next one of the loop.
const (
	keptQueue = 64
	keptWords = 16 << 10
)

// newMulti returns an empty transaction.
func (w *worker) newMulti() *Multi {
	m := w.multi
	if m == nil {
		return &Multi{}
	}
	w.multi = nil
	return m
}

// recycle takes back a transaction that nobody will read again.
func (w *worker) recycle(m *Multi) {
	if len(m.Queue) > keptQueue || m.words.Size() > keptWords {
		return
	}
	clear(m.Queue)
	m.Queue, m.Failed = m.Queue[:0], false
	m.words.Reset()
	w.multi = m
}

const (
	errNestedMulti    reply.Error = "ERR MULTI calls can not be nested"
	errExecNoMulti    reply.Error = "ERR EXEC without MULTI"
	errDiscardNoMulti reply.Error = "ERR DISCARD without MULTI"
	errWatchInMulti   reply.Error = "ERR WATCH inside MULTI is not allowed"
)

func multi(s *Session, r *LocalCall) {
	if s.Multi != nil {
		r.Out.Error(errNestedMulti)
		return
	}
	s.Multi = s.w.newMulti()
	r.Out.OK()
}

func discard(s *Session, r *LocalCall) {
	if s.Multi == nil {
		r.Out.Error(errDiscardNoMulti)
		return
	}
	s.Multi = nil
	s.Unwatch()
	r.Out.OK()
}

// exec hands the queue to the saga that runs it. Whatever becomes of it, the
// transaction and the watches are over.
func exec(s *Session, r *LocalCall) {
	m := s.Multi
	if m == nil {
		r.Out.Error(errExecNoMulti)
		return
	}
	if !m.Failed && s.seekScripts(r.Cmd, r.Args, m.Queue) {
		return
	}
	watches := s.watches
	s.Multi, s.watches = nil, nil
	if m.Failed {
		s.unwatch(watches)
		r.Out.Error(reply.ErrExecAbort)
		return
	}
	if why := s.scarceQueue(m.Queue); why != "" {
		s.unwatch(watches)
		r.Out.Error(abortedBy(why))
		return
	}
	call := &s.w.call
	*call = saga.Call{Cmd: s.Server.Env.Find(saga.ExecName), Args: r.Args, DB: s.DB, Queue: m.Queue, Watches: watches, Selected: s.selected}
	later := s.postpone(m.Queue)
	if len(watches) == 0 && len(later) == 0 {
		s.countQueue(m.Queue)
		s.Call(call, nil) // which copies what outlives it
		s.w.recycle(m)
		return
	}
	// The shards must keep the watches until the saga has looked at them.
	s.Call(call, func(out *reply.Writer) {
		s.unwatch(watches)
		if v, _ := reply.Parse(out.Buf); !v.Null() {
			s.countQueue(m.Queue)
		}
		if len(later) == 0 {
			s.Conn.W.Raw(out.Buf)
			return
		}
		s.splice(out.Buf, later)
	})
}

// countQueue counts the commands of a transaction that was run.
func (s *Session) countQueue(queue []saga.Queued) {
	for i := range queue {
		s.count(queue[i].Cmd)
	}
}

// scarceQueue is scarce for all commands of a transaction.
func (s *Session) scarceQueue(queue []saga.Queued) reply.Error {
	var flags command.Flag
	if s.limitOf.MaxMemory > 0 || s.limitOf.NeedsReplicas {
		for i := range queue {
			flags |= queue[i].Cmd.Flags
		}
	}
	return s.scarce(flags, false)
}

// watch asks the shards for versions of the keys, all at one moment.
func watch(s *Session, r *LocalCall) {
	if s.Multi != nil {
		r.Out.Error(errWatchInMulti)
		return
	}
	db, keys := s.DB, words.Clone(r.Args[1:])
	call := &s.w.call
	*call = saga.Call{Cmd: s.Server.Env.Find(saga.WatchName), Args: r.Args, DB: db}
	s.Call(call, func(out *reply.Writer) {
		i := 0
		reply.Elements(out.Buf, func(v reply.Value) {
			s.watches = append(s.watches, saga.Watch{DB: db, Key: keys[i], Version: v.Int})
			i++
		})
		s.Conn.W.OK()
	})
}

func unwatchAll(s *Session, r *LocalCall) {
	s.Unwatch()
	r.Out.OK()
}

// Unwatch ends all watches.
func (s *Session) Unwatch() {
	s.unwatch(s.watches)
	s.watches = nil
}

func (s *Session) unwatch(watches []saga.Watch) {
	if len(watches) > 0 {
		s.Server.Sagas.Unwatch(watches)
	}
}
