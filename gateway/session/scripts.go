package session

import (
	"strings"
	"sync/atomic"

	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/coordinator/script"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/words"
)

// Any node may know a script that this one does not: it was loaded or evaluated there.
// Before EVALSHA, or EXEC with one, runs, the other nodes are asked for what is not
// known here; a saga, with its keys locked, does not wait for them.

// scriptBodyName is what nodes are asked for a script with.
const scriptBodyName = "~scriptbody"

// ~scriptbody <sha1> replies with the text of a script, or null.
var scriptBodyRow = command.Row{
	Name: scriptBodyName, Group: command.GroupScripting, Arity: 2,
	Flags: command.Internal, Route: command.RouteLocal,
}

func scriptBodyHere(srv *Server, args [][]byte, w *reply.Writer) {
	if len(args) == 2 {
		if body, _, ok := srv.Env.Scripts.Script(args[1]); ok {
			w.BulkString(body)
			return
		}
	}
	w.Null()
}

// seekScripts makes the command wait for scripts that it needs and that are not known
// here, and tells whether it does. queue is EXEC's.
func (s *Session) seekScripts(cmd *command.Info, args [][]byte, queue []saga.Queued) bool {
	if s.sought || queue == nil && !s.Server.evalSHA[cmd.ID] {
		return false
	}
	var missing map[string]bool
	look := func(cmd *command.Info, args [][]byte) {
		if !s.Server.evalSHA[cmd.ID] || s.Server.KnowsScript(args[1]) || len(args[1]) != script.SHALength {
			return
		}
		if missing == nil {
			missing = map[string]bool{}
		}
		missing[string(args[1])] = true
	}
	look(cmd, args)
	for i := range queue {
		look(queue[i].Cmd, queue[i].Args)
	}
	if len(missing) == 0 || len(s.Server.Others()) == 0 {
		return false
	}
	s.Conn.Pause()
	own := words.Clone(args)
	s.Server.fetchScripts(missing, func() { s.Post(func() { s.redo(cmd, own) }) })
	return true
}

// KnowsScript tells whether a script can be run here without asking another node: it
// is in the cache, into which the catalog's library is looked for it.
func (srv *Server) KnowsScript(sha []byte) bool {
	if _, _, ok := srv.Env.Scripts.Script(sha); ok {
		return true
	}
	lib, ok := srv.Cluster.(Library)
	if !ok || len(sha) != script.SHALength {
		return false
	}
	generation := srv.Env.Scripts.Generation()
	body, ok := lib.Script(strings.ToLower(string(sha)))
	return ok && srv.Env.Scripts.Share([]byte(body), generation)
}

// fetchScripts asks the other nodes for scripts, and calls done when it has those that
// there are. What was flushed meanwhile is not kept.
func (srv *Server) fetchScripts(shas map[string]bool, done func()) {
	var left atomic.Int64
	left.Store(int64(len(shas)))
	generation, ask := srv.Env.Scripts.Generation(), srv.Env.Find(scriptBodyName)
	found := func(v reply.Value) bool { return v.Kind == '$' && !v.Null() }
	for sha := range shas {
		srv.Ask(srv.Others(), ask, [][]byte{nil, []byte(sha)}, found, func(a Answers) {
			for i := range a {
				if a[i].Reply == nil {
					continue
				}
				if v, _ := reply.Parse(a[i].Reply); found(v) {
					srv.Env.Scripts.Share(v.Bulk, generation)
					break
				}
			}
			if left.Add(-1) == 0 {
				done()
			}
		})
	}
}

// redo runs a command again that has waited for what it needs.
func (s *Session) redo(cmd *command.Info, args [][]byte) {
	s.Conn.Resume()
	start, errs := len(s.Conn.W.Buf), s.Conn.W.Errs
	s.mute, s.sought = start, true
	s.dispatch(cmd, args)
	s.sought = false
	if s.Conn.W.Errs > errs {
		s.erred(cmd, s.Conn.W.Buf[start:], s.Conn.W.Errs-errs)
	}
	s.w.netOut += uint64(max(0, len(s.Conn.W.Buf)-start))
	s.releaseLease()
	if !s.Conn.Paused() {
		s.settleReply()
	}
	s.publish()
	if s.OverOutputLimit() {
		s.Conn.Close()
	}
}
