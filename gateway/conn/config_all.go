package conn

import (
	"context"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

func configRewrite(_ *session.Session, r *session.LocalCall) { r.Out.Error(errNoConfigFile) }

// configSet gives the catalog what holds for the cluster, and answers when the nodes
// that can be asked obey it.
func configSet(s *session.Session, r *session.LocalCall) {
	catalog, ok := s.Server.Cluster.(session.Settings)
	if !ok || r.Tx != nil {
		setHere(s, r, r.Args[2:])
		return
	}
	wide, own, err := s.Server.Config.Split(r.Args[2:])
	switch {
	case err != "":
		r.Out.Error(err)
		return
	case len(wide) == 0:
		setHere(s, r, own)
		return
	}
	set := func(ctx context.Context) error { return catalog.SetSettings(ctx, wide...) }
	inCatalog(s, r, catalogWait, set, func(r *session.LocalCall, err error) {
		if err != nil {
			r.Out.Error(plain(err))
			return
		}
		obeyed := func(a session.Answers) bool {
			all := obeys(s.Server, wide)
			a.Each(func(_ directory.Number, v reply.Value) { all = all && v.Int == 1 })
			return all
		}
		s.AskUntil(r, bytesOf(wide), obeyed, func(r *session.LocalCall, _ session.Answers) {
			_, own, err := s.Server.Config.Split(r.Args[2:]) // words of the first call are gone
			if err != "" {
				r.Out.Error(err)
				return
			}
			setHere(s, r, own)
		})
	})
}

// setHere sets what is this node's.
func setHere(s *session.Session, r *session.LocalCall, pairs [][]byte) {
	if err := s.Server.Config.Set(pairs); err != "" {
		r.Out.Error(err)
		return
	}
	s.Refresh()
	r.Out.OK()
}

// configSetHere tells whether the node obeys settings yet: it is the catalog that
// gives them to it.
func configSetHere(srv *session.Server, args [][]byte, w *reply.Writer) {
	wide := make([]string, len(args))
	for i := range args {
		wide[i] = string(args[i])
	}
	if obeys(srv, wide) {
		w.Int(1)
	} else {
		w.Int(0)
	}
}

func obeys(srv *session.Server, wide []string) bool {
	for i := 0; i+1 < len(wide); i += 2 {
		for _, p := range srv.Config.Get([][]byte{[]byte(wide[i])}) {
			if p.Value != wide[i+1] {
				return false
			}
		}
	}
	return true
}

func bytesOf(words []string) [][]byte {
	out := make([][]byte, len(words))
	for i := range words {
		out[i] = []byte(words[i])
	}
	return out
}

// configResetstat clears the counters of all nodes.
func configResetstat(s *session.Session, r *session.LocalCall) {
	s.AskOthers(r, func(r *session.LocalCall, a session.Answers) {
		s.FlushStats()
		resetHere(s.Server)
		if silent := s.Server.Silent(a); silent != "" {
			r.Out.Error(errSilent(silent, "its counters go on"))
			return
		}
		r.Out.OK()
	})
}

func configResetstatHere(srv *session.Server, _ [][]byte, w *reply.Writer) {
	resetHere(srv)
	w.OK()
}

func resetHere(srv *session.Server) {
	srv.ResetStats()
	srv.EachShard(func(e *engine.Engine) { e.KS.ResetCounters() })
}
