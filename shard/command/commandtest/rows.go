package commandtest

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/command"
)

// Rows are rows for all commands of redis-server 7.0.15, built from the
// recordings: for tests that need a whole table, before or without the rows of
// Troupe's own. What the recordings do not show (routes, hidden flags) is not
// set, and each sentence is "…".
func Rows(t testing.TB) []*command.Row {
	t.Helper()
	info, docs := recordings(t)
	rows := map[string]*command.Row{}
	var names []string
	for name := range info {
		names = append(names, name)
	}
	slices.Sort(names) // a container before its subcommands
	var top []*command.Row
	for _, name := range names {
		row := rowOf(info[name], docs[name])
		rows[name] = row
		container, sub, isSub := strings.Cut(name, "|")
		if !isSub {
			top = append(top, row)
			continue
		}
		row.Name = sub
		rows[container].Subs = append(rows[container].Subs, row)
	}
	return top
}

// The places of COMMAND INFO's answer.
const (
	infoName = iota
	infoArity
	infoFlags
	_
	_
	_
	infoCategories
	infoTips
	infoKeys
)

func rowOf(info, docs Value) *command.Row {
	row := &command.Row{
		Name:       info.Elems[infoName].Text,
		Arity:      info.Elems[infoArity].int(),
		Group:      command.Group(docs.text("group")),
		Since:      docs.text("since"),
		Summary:    docs.text("summary"),
		Complexity: docs.text("complexity"),
		Deprecated: docs.text("deprecated_since"),
		ReplacedBy: docs.text("replaced_by"),
		Route:      command.RouteLocal,
	}
	for _, flag := range info.Elems[infoFlags].Elems {
		row.Flags |= named(flag.Text, command.Flag.AppendNames)
	}
	for _, cat := range info.Elems[infoCategories].Elems {
		row.ACL |= command.ParseCategory([]byte(cat.Text[1:]))
	}
	for _, tip := range info.Elems[infoTips].Elems {
		row.Tips = append(row.Tips, tip.Text)
	}
	for _, spec := range info.Elems[infoKeys].Elems {
		row.Keys = append(row.Keys, keySpecOf(spec))
	}
	history, _ := docs.Get("history")
	for _, change := range history.Elems {
		row.History = append(row.History, command.Change{Since: change.Elems[0].Text, What: change.Elems[1].Text})
	}
	flags, _ := docs.Get("doc_flags")
	row.SysCmd = slices.ContainsFunc(flags.Elems, func(v Value) bool { return v.Text == "syscmd" })
	args, _ := docs.Get("arguments")
	row.Args = argsOf(args)
	return row
}

func keySpecOf(v Value) command.KeySpec {
	spec := command.KeySpec{Notes: v.text("notes")}
	flags, _ := v.Get("flags")
	for _, flag := range flags.Elems {
		spec.Access |= named(flag.Text, command.KeyAccess.AppendNames)
	}
	begin, _ := v.Get("begin_search")
	begin, _ = begin.Get("spec")
	spec.Begin = command.Begin{
		Index: begin.field("index"), Keyword: begin.text("keyword"), StartFrom: begin.field("startfrom"),
	}
	find, _ := v.Get("find_keys")
	spec.Find.ByCount = find.text("type") == "keynum"
	find, _ = find.Get("spec")
	spec.Find.Last, spec.Find.Step, spec.Find.Limit = find.field("lastkey"), find.field("keystep"), find.field("limit")
	spec.Find.KeyNum, spec.Find.First = find.field("keynumidx"), find.field("firstkey")
	return spec
}

func argsOf(v Value) (args []command.Arg) {
	for _, elem := range v.Elems {
		arg := command.Arg{
			Name:       elem.text("name"),
			Type:       command.ArgType(elem.text("type")),
			KeySpec:    elem.field("key_spec_index"),
			Token:      elem.text("token"),
			Since:      elem.text("since"),
			Deprecated: elem.text("deprecated_since"),
		}
		flags, _ := elem.Get("flags")
		for _, flag := range flags.Elems {
			arg.Optional = arg.Optional || flag.Text == "optional"
			arg.Multiple = arg.Multiple || flag.Text == "multiple"
			arg.MultipleToken = arg.MultipleToken || flag.Text == "multiple_token"
		}
		inner, _ := elem.Get("arguments")
		arg.Args = argsOf(inner)
		args = append(args, arg)
	}
	return args
}

// named is the flag that names gives this name; 0 for none.
func named[F ~uint16 | ~uint32](name string, names func(F, []string) []string) F {
	for flag := F(1); flag != 0; flag <<= 1 {
		if slices.Contains(names(flag, nil), name) {
			return flag
		}
	}
	return 0
}

// text is the string under key of a map; empty when it is not there.
func (v Value) text(key string) string {
	found, _ := v.Get(key)
	return found.Text
}

// field is the number under key of a map; 0 when it is not there.
func (v Value) field(key string) int {
	found, _ := v.Get(key)
	return found.int()
}

func (v Value) int() int {
	n, err := strconv.Atoi(v.Text)
	if err != nil {
		return 0 // not a number: the round trip over all rows would show it
	}
	return n
}
