package command

import (
	"bytes"

	"github.com/troupedb/troupe/shard/data/glob"
	"github.com/troupedb/troupe/shard/reply"
)

// WriteCount answers COMMAND COUNT: the commands without subcommands.
func (t *Table) WriteCount(w *reply.Writer) { w.Int(int64(len(t.top))) }

// WriteList answers COMMAND LIST; filter is what follows LIST: nothing, or
// FILTERBY and MODULE, ACLCAT or PATTERN with its argument.
func (t *Table) WriteList(w *reply.Writer, filter [][]byte) {
	admits, ok := listFilter(filter)
	if !ok {
		w.Error(reply.ErrSyntax)
		return
	}
	var names []string
	for _, info := range t.all {
		if info.Flags&Internal == 0 && admits(info) {
			names = append(names, info.FullName)
		}
	}
	w.Array(len(names))
	for _, name := range names {
		w.BulkString(name)
	}
}

func listFilter(words [][]byte) (admits func(*Info) bool, ok bool) {
	if len(words) == 0 {
		return func(*Info) bool { return true }, true
	}
	if len(words) != 3 || !sameWord(words[0], "filterby") {
		return nil, false
	}
	by, wanted := words[1], words[2]
	switch {
	case sameWord(by, "module"):
		// No module can be loaded, so none has a command.
		return func(*Info) bool { return false }, true
	case sameWord(by, "aclcat"):
		cat := ParseCategory(wanted)
		return func(info *Info) bool { return info.cats&cat != 0 }, true
	case sameWord(by, "pattern"):
		return func(info *Info) bool {
			return glob.Match(wanted, []byte(info.FullName), true)
		}, true
	default:
		return nil, false
	}
}

// The answers of COMMAND GETKEYS to commands that it cannot take apart.
const (
	errNoSuchCommand reply.Error = "ERR Invalid command specified"
	errNoKeys        reply.Error = "ERR The command has no key arguments"
	errWordCount     reply.Error = "ERR Invalid number of arguments specified for command"
)

// WriteGetKeys answers COMMAND GETKEYS; args, at least one word, are the
// command that it is asked about.
func (t *Table) WriteGetKeys(w *reply.Writer, args [][]byte) {
	keys, err := t.keysOf(args)
	if err != "" {
		w.Error(err)
		return
	}
	w.Array(len(keys))
	for _, key := range keys {
		w.Bulk(args[key.Pos])
	}
}

// WriteGetKeysAndFlags answers COMMAND GETKEYSANDFLAGS, see WriteGetKeys.
func (t *Table) WriteGetKeysAndFlags(w *reply.Writer, args [][]byte) {
	keys, err := t.keysOf(args)
	if err != "" {
		w.Error(err)
		return
	}
	w.Array(len(keys))
	for _, key := range keys {
		w.Array(2)
		w.Bulk(args[key.Pos])
		writeNames(w, "", key.Access.AppendNames(nil))
	}
}

func (t *Table) keysOf(args [][]byte) ([]KeyPos, reply.Error) {
	info := t.Lookup(args[0])
	if info != nil && len(info.children) > 0 && len(args) > 1 {
		info = info.Sub(args[1])
	}
	switch {
	case info == nil:
		return nil, errNoSuchCommand
	case !info.HasKeys():
		return nil, errNoKeys
	case !info.AdmitsArity(len(args)):
		return nil, errWordCount
	}
	keys, err := Keys(info, args, nil)
	if err != nil {
		return nil, ErrInvalidArgs
	}
	return keys, ""
}

// commandHelp is what COMMAND HELP lists.
var commandHelp = []string{
	"(no subcommand)",
	"    What is known about every command.",
	"COUNT",
	"    How many commands there are.",
	"LIST [FILTERBY <MODULE <name>|ACLCAT <category>|PATTERN <pattern>>]",
	"    The names of the commands, all or those that a filter admits.",
	"INFO [<command-name> ...]",
	"    What is known about the named commands, or about every one.",
	"DOCS [<command-name> ...]",
	"    The documentation of the named commands, or of every one.",
	"GETKEYS <full-command>",
	"    The keys among the words of a command.",
	"GETKEYSANDFLAGS <full-command>",
	"    The keys among the words of a command, and what becomes of each.",
}

// WriteCommandHelp answers COMMAND HELP; name is the word COMMAND as it was said.
func WriteCommandHelp(w *reply.Writer, name []byte) { WriteHelp(w, name, commandHelp) }

// WriteHelp answers the HELP of any container: a header with its name as it was
// said, the lines, and HELP itself.
func WriteHelp(w *reply.Writer, name []byte, lines []string) {
	w.Array(len(lines) + 3)
	w.Simple(string(bytes.ToUpper(name)) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for _, line := range lines {
		w.Simple(line)
	}
	w.Simple("HELP")
	w.Simple("    Prints this help.")
}

// writeNames writes a set of status replies, each after prefix.
func writeNames(w *reply.Writer, prefix string, names []string) {
	w.Set(len(names))
	for _, name := range names {
		w.Simple(prefix + name)
	}
}
