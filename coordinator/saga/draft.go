package saga

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
	"github.com/troupedb/troupe/shard/words"
)

// A script whose keys are declared needs no round of messages for each command: the
// first round locks the keys and brings what they hold, and the script runs on that copy,
// the draft. What it changes there the shards do again when the saga ends, as the last
// steps of those that decide and commit: nobody else has the keys, so they come to the
// same. Where that is not sure (a key that was not declared, chance, a key that may end
// meanwhile, much data), the draft is left: the shards do what was done on it, if they
// answer the same, and the script goes on with them.
type draft struct {
	engine  *engine.Engine
	journal keyspace.Journal
	empty   int    // entries of the journal before the script's
	quiet   uint64 // changes that the engine had counted then
	keys    [][]byte
	steps   []Step       // of commands that write, whose words are their own
	size    int          // of these words
	replies reply.Writer // to them
	mixed   bool         // and they are not of one version of the protocol
	inside  bool         // a command runs
	request engine.Request
}

const (
	// maxDraftKeys is how many keys a draft has, and maxDraftValue how many bytes each,
	// about.
	maxDraftKeys  = 16
	maxDraftValue = 16 << 10
	// draftMargin is how long a key must still live that is on a draft: longer than a
	// saga takes whose coordinator dies. Milliseconds.
	draftMargin = 10_000
	// maxDraftSteps is how many commands that write a draft takes, and maxDraftBytes how
	// many bytes of their words: they are a part of the decision's record.
	maxDraftSteps = 1024
	maxDraftBytes = 64 << 10
	// keptDrafts is how many a node keeps for the next script, and keptDraftBytes how
	// much memory one may have then.
	keptDrafts     = 8
	keptDraftBytes = 4 << 20
)

// openDraft returns an empty draft. now is in Unix milliseconds.
func (e *Env) openDraft(now int64) *draft {
	d := e.spareDraft()
	if d != nil && d.engine.KS.Now() > now+draftMargin/2 { // the clock was set back: keys might end on it too early
		d.engine.KS.Close()
		d = nil
	}
	if d == nil {
		d = &draft{engine: e.NewDraft()}
		d.engine.KS.Arena.Keeps = true
	}
	d.engine.SetConfig(e.Config.Load())
	return d
}

func (e *Env) spareDraft() *draft {
	select {
	case d := <-e.drafts:
		return d
	default:
		return nil
	}
}

// closeDraft takes back a draft, unless one of its commands has panicked.
func (e *Env) closeDraft(d *draft) {
	if !d.inside {
		d.engine.KS.Rollback(&d.journal)
		if d.engine.KS.Arena.Resident() <= keptDraftBytes {
			*d = draft{engine: d.engine, journal: d.journal}
			select {
			case e.drafts <- d:
				return
			default:
			}
		}
	}
	d.engine.KS.Close()
}

// drafted tells whether a step comes to the same on a draft as, later, at its shard: it
// is on one key, and not left to chance or to the time of the day.
func drafted(info *command.Info) bool {
	if info.KeyPos == 0 || info.Flags&command.Blocking != 0 {
		return false
	}
	switch info.FullName {
	case "~rename", "~move", "~watch", "~unwatch", "~unchanged", // on more than the one key's value
		"expireat", "pexpireat", "getex": // may end a key between the draft's time and the shard's
		return false
	case "ttl", "pttl":
		return true
	}
	return !slices.Contains(info.Tips, "nondeterministic_output")
}

// fetch makes the draft of a script, nil if there can be none.
func (r *run) fetch() *draft {
	t := &r.tx
	keys, err := command.Keys(t.Cmd, t.Args, nil)
	if err != nil || len(keys) == 0 || len(keys) > maxDraftKeys {
		return nil
	}
	look := t.Find("~image")
	most, life := strconv.AppendInt(nil, maxDraftValue, 10), strconv.AppendInt(nil, draftMargin, 10)
	var steps []Step
	for _, k := range keys {
		name := t.Args[k.Pos]
		if !slices.ContainsFunc(steps, func(s Step) bool { return bytes.Equal(s.Args[1], name) }) {
			steps = append(steps, Step{Cmd: look, Args: [][]byte{nil, name, most, life}, Key: 1})
		}
	}
	t.Do(steps)
	d := t.env.openDraft(t.Now)
	for i := range steps {
		switch v, _ := reply.Parse(steps[i].Reply); {
		case v.Kind == ':': // too large, or soon to end
		case v.Null():
			d.keys = append(d.keys, steps[i].Args[1])
		default:
			d.put(t, steps[i].Args[1], v.Bulk)
		}
	}
	d.empty, d.quiet = d.journal.Len(), d.engine.Changes
	return d
}

// put gives the draft a key.
func (d *draft) put(t *Tx, name, image []byte) {
	put := Step{Cmd: t.Find("~put"), Args: [][]byte{nil, name, image, nil}, Key: 1}
	d.step(t, &put, &reply.Writer{Proto: reply.RESP2})
	d.keys = append(d.keys, name)
}

func (d *draft) step(t *Tx, s *Step, w *reply.Writer) {
	d.inside = true
	d.request = engine.Request{
		Cmd: s.Cmd, DB: t.DB, Slot: slot.Of(s.Args[s.Key]), Key: s.Key, Args: s.Args, Out: w, Now: t.Now,
	}
	s.from = len(w.Buf)
	d.engine.Step(&d.request, &d.journal)
	s.to = len(w.Buf)
	d.inside = false
}

// has tells whether the draft can run a step.
func (d *draft) has(t *Tx, s *Step) bool {
	return s.Key > 0 && s.Wait == nil && t.DB == t.Call.DB && t.env.drafted[s.Cmd.ID] &&
		slices.ContainsFunc(d.keys, func(k []byte) bool { return bytes.Equal(k, s.Args[s.Key]) }) && !dated(s)
}

// dated tells whether a SET names the time at which its key ends.
func dated(s *Step) bool {
	const options = 3 // where they begin
	return s.Cmd.FullName == "set" && len(s.Args) > options && slices.ContainsFunc(s.Args[options:], func(w []byte) bool {
		return bytes.EqualFold(w, []byte("EXAT")) || bytes.EqualFold(w, []byte("PXAT"))
	})
}

// do runs steps, all of them or, and then it is false, none.
func (d *draft) do(t *Tx, steps []Step, w *reply.Writer) bool {
	size := d.size
	for i := range steps {
		if !d.has(t, &steps[i]) {
			return false
		}
		for _, w := range steps[i].Args {
			size += len(w)
		}
	}
	if len(d.steps)+len(steps) > maxDraftSteps || size > maxDraftBytes {
		return false
	}
	for i := range steps {
		s := &steps[i]
		d.step(t, s, w)
		if s.Cmd.Flags&command.ReadOnly == 0 {
			d.mixed = d.mixed || len(d.steps) > 0 && d.replies.Proto != w.Proto
			d.replies.Proto = w.Proto
			d.replies.Raw(w.Buf[s.from:s.to])
			d.steps = append(d.steps, Step{Cmd: s.Cmd, Args: words.Clone(s.Args), Key: s.Key})
			d.size = size
		}
	}
	return true
}

// changes returns the steps that the shards are to do, nil if nothing is changed, nor
// said to be.
func (d *draft) changes() []Step {
	if d.journal.Len() == d.empty && d.engine.Changes == d.quiet {
		return nil
	}
	return d.steps
}

// astray unwinds a script whose draft was not what the shards have.
type astray struct{}

// leave makes the shards do what was done on the draft, which the run has no more.
func (r *run) leave() {
	t, d := &r.tx, r.draft
	defer r.endDraft()
	steps := d.changes()
	if steps == nil {
		return
	}
	if d.mixed {
		panic(astray{})
	}
	db, w := t.DB, reply.Writer{Proto: d.replies.Proto}
	t.DB = t.Call.DB
	r.steps, r.to = steps, &w
	r.want()
	t.DB = db
	if !bytes.Equal(w.Buf, d.replies.Buf) {
		panic(astray{})
	}
}

func (r *run) endDraft() {
	if d := r.draft; d != nil {
		r.draft = nil
		r.tx.env.closeDraft(d)
	}
}
