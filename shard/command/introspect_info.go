package command

import "github.com/troupedb/troupe/shard/reply"

// infoFields is how many elements COMMAND INFO has for a command.
const infoFields = 10

// WriteInfo answers COMMAND INFO for the named commands, with a null for each
// that is not there, or COMMAND for all when names is empty.
func (t *Table) WriteInfo(w *reply.Writer, names [][]byte) {
	if len(names) == 0 {
		w.Array(len(t.top))
		for _, info := range t.top {
			info.writeInfo(w)
		}
		return
	}
	w.Array(len(names))
	for _, name := range names {
		if info := t.Named(name); info != nil {
			info.writeInfo(w)
		} else {
			w.Null()
		}
	}
}

func (i *Info) writeInfo(w *reply.Writer) {
	w.Array(infoFields)
	w.BulkString(i.FullName)
	w.Int(int64(i.Arity))
	writeNames(w, "", i.Flags.AppendNames(nil))
	w.Int(int64(i.legacy.first))
	w.Int(int64(i.legacy.last))
	w.Int(int64(i.legacy.step))
	writeNames(w, "@", i.cats.AppendNames(nil))
	w.Set(len(i.Tips))
	for _, tip := range i.Tips {
		w.BulkString(tip)
	}
	w.Set(len(i.Row.Keys))
	for k := range i.Row.Keys {
		i.Row.Keys[k].write(w)
	}
	if len(i.children) == 0 {
		w.Set(0)
		return
	}
	w.Array(len(i.children))
	for _, sub := range i.children {
		sub.writeInfo(w)
	}
}

func (s *KeySpec) write(w *reply.Writer) {
	if s.Notes == "" {
		w.Map(3)
	} else {
		w.Map(4)
		w.BulkString("notes")
		w.BulkString(s.Notes)
	}
	w.BulkString("flags")
	writeNames(w, "", s.Access.AppendNames(nil))
	w.BulkString("begin_search")
	s.writeBegin(w)
	w.BulkString("find_keys")
	s.writeFind(w)
}

func (s *KeySpec) writeBegin(w *reply.Writer) {
	switch {
	case s.unknown():
		writeRule(w, "unknown", 0)
	case s.Begin.Keyword != "":
		writeRule(w, "keyword", 2)
		w.BulkString("keyword")
		w.BulkString(s.Begin.Keyword)
		writeField(w, "startfrom", s.Begin.StartFrom)
	default:
		writeRule(w, "index", 1)
		writeField(w, "index", s.Begin.Index)
	}
}

func (s *KeySpec) writeFind(w *reply.Writer) {
	switch {
	case s.unknown():
		writeRule(w, "unknown", 0)
	case s.Find.ByCount:
		writeRule(w, "keynum", 3)
		writeField(w, "keynumidx", s.Find.KeyNum)
		writeField(w, "firstkey", s.Find.First)
		writeField(w, "keystep", s.Find.Step)
	default:
		writeRule(w, "range", 3)
		writeField(w, "lastkey", s.Find.Last)
		writeField(w, "keystep", s.Find.Step)
		writeField(w, "limit", s.Find.Limit)
	}
}

// writeRule begins a rule of a key spec, whose fields must follow.
func writeRule(w *reply.Writer, kind string, fields int) {
	w.Map(2)
	w.BulkString("type")
	w.BulkString(kind)
	w.BulkString("spec")
	w.Map(fields)
}

func writeField(w *reply.Writer, name string, value int) {
	w.BulkString(name)
	w.Int(int64(value))
}
