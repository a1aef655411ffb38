package command

import "github.com/troupedb/troupe/shard/reply"

// WriteDocs answers COMMAND DOCS for those of the named commands that are
// there, or for all when names is empty.
func (t *Table) WriteDocs(w *reply.Writer, names [][]byte) {
	infos := t.top
	if len(names) > 0 {
		infos = nil
		for _, name := range names {
			if info := t.Named(name); info != nil {
				infos = append(infos, info)
			}
		}
	}
	writeDocs(w, infos)
}

func writeDocs(w *reply.Writer, infos []*Info) {
	w.Map(len(infos))
	for _, info := range infos {
		w.BulkString(info.FullName)
		info.writeDocs(w)
	}
}

func (i *Info) writeDocs(w *reply.Writer) {
	w.Map(i.docsFields())
	writeText(w, "summary", i.Summary)
	writeText(w, "since", i.Since)
	writeText(w, "group", string(i.Group))
	writeText(w, "complexity", i.Complexity)
	if flags := i.docFlags(); len(flags) > 0 {
		w.BulkString("doc_flags")
		writeNames(w, "", flags)
	}
	writeText(w, "deprecated_since", i.Deprecated)
	writeText(w, "replaced_by", i.ReplacedBy)
	if len(i.History) > 0 {
		w.BulkString("history")
		w.Set(len(i.History))
		for _, change := range i.History {
			w.Array(2)
			w.BulkString(change.Since)
			w.BulkString(change.What)
		}
	}
	if len(i.Args) > 0 {
		w.BulkString("arguments")
		writeArgs(w, i.Args)
	}
	if len(i.children) > 0 {
		w.BulkString("subcommands")
		writeDocs(w, i.children)
	}
}

func (i *Info) docFlags() (flags []string) {
	if i.Deprecated != "" {
		flags = append(flags, "deprecated")
	}
	if i.SysCmd {
		flags = append(flags, "syscmd")
	}
	return flags
}

// docsFields is how many pairs writeDocs writes.
func (i *Info) docsFields() int {
	return countTrue(i.Summary != "", i.Since != "", i.Group != "", i.Complexity != "",
		len(i.docFlags()) > 0, i.Deprecated != "", i.ReplacedBy != "",
		len(i.History) > 0, len(i.Args) > 0, len(i.children) > 0)
}

func writeArgs(w *reply.Writer, args []Arg) {
	w.Array(len(args))
	for i := range args {
		args[i].write(w)
	}
}

func (a *Arg) write(w *reply.Writer) {
	flags := a.flagNames()
	w.Map(2 + countTrue(a.showsKeySpec(), a.showsToken(), a.Since != "", a.Deprecated != "",
		len(flags) > 0, len(a.Args) > 0))
	writeText(w, "name", a.Name)
	writeText(w, "type", string(a.Type))
	if a.showsKeySpec() {
		writeField(w, "key_spec_index", a.KeySpec)
	}
	if a.showsToken() {
		w.BulkString("token")
		w.BulkString(a.Token)
	}
	writeText(w, "since", a.Since)
	writeText(w, "deprecated_since", a.Deprecated)
	if len(flags) > 0 {
		w.BulkString("flags")
		writeNames(w, "", flags)
	}
	if len(a.Args) > 0 {
		w.BulkString("arguments")
		writeArgs(w, a.Args)
	}
}

// showsToken tells whether the argument has a token; a pure token may be empty
// (MIGRATE's key, where KEYS names the keys).
func (a *Arg) showsToken() bool { return a.Token != "" || a.Type == ArgPureToken }

func (a *Arg) flagNames() (flags []string) {
	if a.Optional {
		flags = append(flags, "optional")
	}
	if a.Multiple {
		flags = append(flags, "multiple")
	}
	if a.MultipleToken {
		flags = append(flags, "multiple_token")
	}
	return flags
}

// writeText writes a pair, or nothing for an empty text.
func writeText(w *reply.Writer, name, text string) {
	if text == "" {
		return
	}
	w.BulkString(name)
	w.BulkString(text)
}

func countTrue(conditions ...bool) (n int) {
	for _, condition := range conditions {
		if condition {
			n++
		}
	}
	return n
}
