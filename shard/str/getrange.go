package str

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var getrangeRow = command.Row{
	Name:       "getrange",
	Group:      command.GroupString,
	Since:      "2.4.0",
	Summary:    "The bytes of a string from one place to another",
	Complexity: "O(N), N the bytes returned",
	Arity:      4,
	Flags:      command.ReadOnly,
	ACL:        command.CatString,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "start", Type: command.ArgInteger},
		{Name: "end", Type: command.ArgInteger},
	},
}

var substrRow = command.Row{
	Name:       "substr",
	Group:      command.GroupString,
	Since:      "1.0.0",
	Summary:    "GETRANGE under its old name",
	Complexity: "O(N), N the bytes returned",
	Arity:      4,
	Flags:      command.ReadOnly,
	ACL:        command.CatString,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "start", Type: command.ArgInteger},
		{Name: "end", Type: command.ArgInteger},
	},
	Deprecated: "2.0.0",
	ReplacedBy: "`GETRANGE`",
}

// getrange is SUBSTR's handler too.
func getrange(c *engine.Ctx) {
	start, ok := c.Int(2)
	if !ok {
		return
	}
	end, ok := c.Int(3)
	if !ok {
		return
	}
	r, ok := c.FindString()
	if !ok {
		return
	}
	if r == 0 {
		c.Out.BulkString("")
		return
	}
	var scratch [maxIntText]byte
	val := c.StringBytes(r, &scratch)
	from, to := clip(start, end, int64(len(val)))
	c.Out.Bulk(val[from:to])
}

// clip turns a range with both ends in it, negative ones counted from the end,
// into indices of a string of n bytes.
func clip(start, end, n int64) (from, to int64) {
	if start < 0 && end < 0 && start > end {
		return 0, 0
	}
	if start < 0 {
		start = max(start+n, 0)
	}
	if end < 0 {
		end = max(end+n, 0)
	}
	end = min(end, n-1)
	if start > end {
		return 0, 0
	}
	return start, end + 1
}
