package saga

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

var stringCommands = []Command{
	{Row: &lcsRow, Run: lcs},
	{Row: &mgetRow, Plan: &Plan{Steps: mget, Into: true}},
	{Row: &msetRow, Plan: &Plan{Steps: mset, Reply: func(t *Tx, _ []Step) { t.Out.OK() }}},
	{Row: &msetnxRow, Run: msetnx},
}

var mgetRow = command.Row{
	Name:       "mget",
	Group:      command.GroupString,
	Since:      "1.0.0",
	Summary:    "The values of several strings",
	Complexity: "O(N), N the keys",
	Arity:      -2,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatString,
	Keys: []command.KeySpec{
		{Access: command.RO | command.Access, Begin: command.Begin{Index: 1}, Find: command.Find{Last: -1, Step: 1}},
	},
	Tips:  []string{"request_policy:multi_shard"},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey, Multiple: true},
	},
}

func mget(t *Tx) []Step {
	get := t.Find("~get")
	steps := t.Steps(len(t.Args) - 1)
	for i := range steps {
		s := &steps[i]
		s.Cmd, s.Args, s.Key = get, t.Args[i:i+2], 1
	}
	t.Out.Array(len(steps))
	return steps
}

var msetRow = command.Row{
	Name:       "mset",
	Group:      command.GroupString,
	Since:      "1.0.1",
	Summary:    "Sets several strings at once",
	Complexity: "O(N), N the keys",
	Arity:      -3,
	Flags:      command.Write | command.DenyOOM,
	ACL:        command.CatString,
	Keys: []command.KeySpec{
		{Access: command.OW | command.Update, Begin: command.Begin{Index: 1}, Find: command.Find{Last: -1, Step: 2}},
	},
	Tips:  []string{"request_policy:multi_shard", "response_policy:all_succeeded"},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "key_value", Type: command.ArgBlock, Multiple: true, Args: []command.Arg{
			{Name: "key", Type: command.ArgKey},
			{Name: "value", Type: command.ArgString},
		}},
	},
}

func mset(t *Tx) []Step {
	if len(t.Args)%2 == 0 {
		t.Out.Error(reply.WrongArity(t.Cmd.FullName))
		return nil
	}
	return setAll(t)
}

// setAll returns the steps that set the pairs of keys and values that are the
// arguments.
func setAll(t *Tx) []Step {
	set := t.Find("~set")
	steps := t.Steps(len(t.Args) / 2)
	for i := range steps {
		s := &steps[i]
		s.Cmd, s.Args, s.Key = set, t.Args[2*i:2*i+3], 1
	}
	return steps
}

var msetnxRow = command.Row{
	Name:       "msetnx",
	Group:      command.GroupString,
	Since:      "1.0.1",
	Summary:    "Sets several strings if none of the keys is there",
	Complexity: "O(N), N the keys",
	Arity:      -3,
	Flags:      command.Write | command.DenyOOM,
	ACL:        command.CatString,
	Keys: []command.KeySpec{
		{Access: command.OW | command.Insert, Begin: command.Begin{Index: 1}, Find: command.Find{Last: -1, Step: 2}},
	},
	Tips:  []string{"request_policy:multi_shard", "response_policy:agg_min"},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "key_value", Type: command.ArgBlock, Multiple: true, Args: []command.Arg{
			{Name: "key", Type: command.ArgKey},
			{Name: "value", Type: command.ArgString},
		}},
	},
}

func msetnx(t *Tx) {
	if len(t.Args)%2 == 0 {
		t.Out.Error(reply.WrongArity(t.Cmd.FullName))
		return
	}
	exists := t.Find("~exists")
	steps := t.Steps(len(t.Args) / 2)
	for i := range steps {
		s := &steps[i]
		s.Cmd, s.Args, s.Key = exists, t.Args[2*i:2*i+2], 1
	}
	if t.Do(steps); sumReplies(steps) > 0 {
		t.Out.Int(0)
		return
	}
	t.Do(setAll(t))
	t.Out.Int(1)
}

var lcsRow = command.Row{
	Name:       "lcs",
	Group:      command.GroupString,
	Since:      "7.0.0",
	Summary:    "The longest common subsequence of two strings",
	Complexity: "O(N*M), N and M the lengths of the two",
	Arity:      -3,
	Flags:      command.ReadOnly,
	ACL:        command.CatString,
	Keys: []command.KeySpec{
		{Access: command.RO | command.Access, Begin: command.Begin{Index: 1}, Find: command.Find{Last: 1, Step: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "key1", Type: command.ArgKey},
		{Name: "key2", Type: command.ArgKey},
		{Name: "len", Type: command.ArgPureToken, Token: "LEN", Optional: true},
		{Name: "idx", Type: command.ArgPureToken, Token: "IDX", Optional: true},
		{Name: "len", Type: command.ArgInteger, Token: "MINMATCHLEN", Optional: true},
		{Name: "withmatchlen", Type: command.ArgPureToken, Token: "WITHMATCHLEN", Optional: true},
	},
}

const errLCSType reply.Error = "ERR The specified keys must contain string values"

// lcs brings the second string to the shard of the first, which does the work.
func lcs(t *Tx) {
	text, _ := reply.Parse(t.Ask(t.Find("~text"), nil, t.Args[2]))
	if text.IsError() {
		t.Out.Error(errLCSType)
		return
	}
	args := append([][]byte{nil, t.Args[1], text.Bulk}, t.Args[3:]...)
	t.Into([]Step{{Cmd: t.Find("~lcs"), Args: args, Key: 1}})
}
