package conn

import (
	"context"
	"log/slog"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/reply"
)

// Scripts are the cluster's: one that any node knows can be run at each. SCRIPT LOAD
// and FLUSH reach all nodes before they answer, and the catalog, if it keeps scripts,
// for those that come later.

// libraryWait is how long SCRIPT LOAD waits for the catalog, without which the script
// is known to all nodes of today.
const libraryWait = 3 * time.Second

func scriptExists(s *session.Session, r *session.LocalCall) {
	s.AskOthers(r, func(r *session.LocalCall, a session.Answers) {
		found := make([]bool, len(r.Args)-2)
		for i, sha := range r.Args[2:] {
			found[i] = s.Server.KnowsScript(sha)
		}
		for _, t := range a {
			i := 0
			if t.Reply != nil {
				reply.Elements(t.Reply, func(v reply.Value) {
					found[i] = found[i] || v.Int != 0
					i++
				})
			}
		}
		writeFlags(r.Out, found)
	})
}

func scriptExistsHere(srv *session.Server, args [][]byte, w *reply.Writer) {
	found := make([]bool, len(args)-2)
	for i, sha := range args[2:] {
		_, _, found[i] = srv.Env.Scripts.Script(sha)
	}
	writeFlags(w, found)
}

func writeFlags(w *reply.Writer, flags []bool) {
	w.Array(len(flags))
	for _, on := range flags {
		if on {
			w.Int(1)
		} else {
			w.Int(0)
		}
	}
}

func scriptFlush(s *session.Session, r *session.LocalCall) {
	if len(r.Args) > 3 || len(r.Args) == 3 && !is(r, 2, "sync") && !is(r, 2, "async") {
		r.Out.Error(errScriptFlushOption)
		return
	}
	lib, ok := s.Server.Cluster.(session.Library)
	if !ok || r.Tx != nil {
		flushAll(s, r, 0)
		return
	}
	var epoch uint64
	flush := func(ctx context.Context) (err error) {
		epoch, err = lib.FlushScripts(ctx)
		return err
	}
	inCatalog(s, r, catalogWait, flush, func(r *session.LocalCall, err error) {
		if err != nil {
			r.Out.Error(plain(err))
			return
		}
		flushAll(s, r, epoch)
	})
}

// flushAll empties the caches of all nodes, once these know what the catalog's library
// is since epoch: they would fill them from it.
func flushAll(s *session.Session, r *session.LocalCall, epoch uint64) {
	if len(s.Server.Others()) == 0 || r.Tx != nil {
		s.Server.Env.Scripts.Flush()
		r.Out.OK()
		return
	}
	where := s.Server.Env.Where
	flushed := func(a session.Answers) bool {
		all := where.Load().Epoch >= epoch
		a.Each(func(_ directory.Number, v reply.Value) { all = all && uint64(v.Int) >= epoch })
		return all
	}
	s.AskUntil(r, r.Args, flushed, func(r *session.LocalCall, a session.Answers) {
		s.Server.Env.Scripts.Flush()
		if silent := s.Server.Silent(a); silent != "" {
			r.Out.Error(errSilent(silent, "its scripts are not forgotten"))
			return
		}
		r.Out.OK()
	})
}

// scriptFlushHere replies with the epoch that the node had before.
func scriptFlushHere(srv *session.Server, _ [][]byte, w *reply.Writer) {
	w.Int(int64(srv.Env.Where.Load().Epoch))
	srv.Env.Scripts.Flush()
}

func scriptLoad(s *session.Session, r *session.LocalCall) {
	sha, err := s.Server.Env.Scripts.Load(r.Args[2])
	if err != nil {
		r.Out.Error(err.(reply.Error)) // Load has no others
		return
	}
	// Nodes that do not answer find it when they are asked to run it.
	everywhere := func(r *session.LocalCall) {
		s.AskOthers(r, func(r *session.LocalCall, _ session.Answers) { r.Out.BulkString(sha) })
	}
	lib, ok := s.Server.Cluster.(session.Library)
	if !ok || r.Tx != nil {
		everywhere(r)
		return
	}
	body := append([]byte(nil), r.Args[2]...)
	load := func(ctx context.Context) error { return lib.LoadScript(ctx, body) }
	inCatalog(s, r, libraryWait, load, func(r *session.LocalCall, err error) {
		if err != nil {
			slog.Debug("the catalog does not keep a script: it is gone with the last node that knows it", "sha1", sha, "error", err)
		}
		everywhere(r)
	})
}

func scriptLoadHere(srv *session.Server, args [][]byte, w *reply.Writer) {
	sha, err := srv.Env.Scripts.Load(args[2])
	if err != nil {
		w.Error(err.(reply.Error))
		return
	}
	w.BulkString(sha)
}

// inCatalog does something that waits for the catalog.
func inCatalog(s *session.Session, r *session.LocalCall, patience time.Duration, do func(context.Context) error,
	then func(r *session.LocalCall, err error)) {
	s.Later(r, func(done func(any)) {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			done(do(ctx))
		}()
	}, func(r *session.LocalCall, v any) {
		err, _ := v.(error)
		then(r, err)
	})
}

// scriptKill ends the slow scripts of all nodes, or if none is slow, the one that
// runs for the longest.
func scriptKill(s *session.Session, r *session.LocalCall) {
	others := s.Server.Others()
	if len(others) == 0 || r.Tx != nil {
		killed(r, s.Server.Env.Running.Kill)
		return
	}
	s.AskNodes(r, others, [][]byte{killSlow}, func(r *session.LocalCall, a session.Answers) {
		mine := s.Server.Env.Running.KillSlow()
		running, slow, ended, oldest, at := mine.Running, mine.Slow, mine.Killed, mine.Oldest, directory.Number(0)
		for _, t := range a {
			there := readKilling(t.Reply)
			running, slow, ended = running+there.running, slow+there.slow, ended+there.killed
			if there.running > 0 && (oldest == 0 || there.oldest < oldest) {
				oldest, at = there.oldest, t.From
			}
		}
		switch {
		case running > 0 && slow == 0 && at == 0:
			killed(r, s.Server.Env.Running.Kill)
		case running > 0 && slow == 0:
			s.AskNodes(r, []directory.Number{at}, [][]byte{killOldest}, func(r *session.LocalCall, a session.Answers) {
				there := readKilling(a[0].Reply)
				killed(r, func() (int, int) { return there.running, there.killed })
			})
		case running == 0 && s.Server.Silent(a) != "":
			r.Out.Error(errSilent(s.Server.Silent(a), "whether it runs scripts is not known"))
		default:
			killed(r, func() (int, int) { return running, ended })
		}
	})
}

func killed(r *session.LocalCall, kill func() (running, killed int)) {
	switch running, killed := kill(); {
	case running == 0:
		r.Out.Error(errScriptNotBusy)
	case killed == 0:
		r.Out.Error(errScriptUnkillable)
	default:
		r.Out.OK()
	}
}

// What another node is asked to kill, and its answer.
var killSlow, killOldest = []byte("slow"), []byte("oldest")

type killing struct {
	running, slow, killed int
	oldest                int64
}

func readKilling(b []byte) (k killing) {
	if b == nil {
		return k
	}
	var n []int64
	reply.Elements(b, func(v reply.Value) { n = append(n, v.Int) })
	return killing{int(n[0]), int(n[1]), int(n[2]), n[3]}
}

func scriptKillHere(srv *session.Server, args [][]byte, w *reply.Writer) {
	var k killing
	if len(args) == 1 && sameWord(args[0], string(killOldest)) {
		k.running, k.killed = srv.Env.Running.Kill()
	} else {
		mine := srv.Env.Running.KillSlow()
		k = killing{mine.Running, mine.Slow, mine.Killed, mine.Oldest}
	}
	w.Array(4)
	for _, n := range []int64{int64(k.running), int64(k.slow), int64(k.killed), k.oldest} {
		w.Int(n)
	}
}

// errSilent tells of nodes that are held to be up and do not answer.
func errSilent(names, so string) reply.Error {
	return reply.Error("CLUSTERDOWN no answer from " + oneLine([]byte(names)) + ": " + so)
}

// numberOf reads an id that was checked before.
func numberOf(word []byte) int64 {
	n, _ := num.ParseInt(word)
	return n
}
