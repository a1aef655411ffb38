package bitmap

import (
	"math"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var bitfieldRow = command.Row{
	Name:       "bitfield",
	Group:      command.GroupBitmap,
	Since:      "3.2.0",
	Summary:    "Runs a list of reads, writes and increments on integers of any width inside a string",
	Complexity: "O(1) for each operation",
	Arity:      -2,
	Flags:      command.Write | command.DenyOOM,
	ACL:        command.CatBitmap,
	Keys: []command.KeySpec{
		{Access: command.RW | command.Access | command.Update | command.VariableFlags, Begin: command.Begin{Index: 1}, Find: command.Find{Step: 1}, Notes: "Reads and writes, as its operations say"},
	},
	Route: command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "operation", Type: command.ArgOneOf, Optional: true, Multiple: true, Args: []command.Arg{
			{Name: "encoding_offset", Type: command.ArgBlock, Token: "GET", Args: []command.Arg{
				{Name: "encoding", Type: command.ArgString},
				{Name: "offset", Type: command.ArgInteger},
			}},
			{Name: "write", Type: command.ArgBlock, Args: []command.Arg{
				{Name: "wrap_sat_fail", Type: command.ArgOneOf, Token: "OVERFLOW", Optional: true, Args: []command.Arg{
					{Name: "wrap", Type: command.ArgPureToken, Token: "WRAP"},
					{Name: "sat", Type: command.ArgPureToken, Token: "SAT"},
					{Name: "fail", Type: command.ArgPureToken, Token: "FAIL"},
				}},
				{Name: "write_operation", Type: command.ArgOneOf, Args: []command.Arg{
					{Name: "encoding_offset_value", Type: command.ArgBlock, Token: "SET", Args: []command.Arg{
						{Name: "encoding", Type: command.ArgString},
						{Name: "offset", Type: command.ArgInteger},
						{Name: "value", Type: command.ArgInteger},
					}},
					{Name: "encoding_offset_increment", Type: command.ArgBlock, Token: "INCRBY", Args: []command.Arg{
						{Name: "encoding", Type: command.ArgString},
						{Name: "offset", Type: command.ArgInteger},
						{Name: "increment", Type: command.ArgInteger},
					}},
				}},
			}},
		}},
	},
}

var bitfieldRoRow = command.Row{
	Name:       "bitfield_ro",
	Group:      command.GroupBitmap,
	Since:      "6.0.0",
	Summary:    "The reading half of BITFIELD",
	Complexity: "O(1) for each operation",
	Arity:      -2,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatBitmap,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "encoding_offset", Type: command.ArgBlock, Token: "GET", Optional: true, Multiple: true, MultipleToken: true, Args: []command.Arg{
			{Name: "encoding", Type: command.ArgString},
			{Name: "offset", Type: command.ArgInteger},
		}},
	},
}

type fieldVerb byte

const (
	fieldGet fieldVerb = iota
	fieldSet
	fieldIncrBy
)

// overflowMode is what happens to a number that does not fit its field.
type overflowMode byte

const (
	wrapAround overflowMode = iota
	saturate
	refuse
)

// fieldOp is one operation of BITFIELD.
type fieldOp struct {
	verb     fieldVerb
	overflow overflowMode
	signed   bool
	width    uint // bits
	at       int64
	operand  int64
}

// usualOps is how many operations are kept without allocating.
const usualOps = 8

func bitfield(c *engine.Ctx) { runFields(c, false) }

func bitfieldRO(c *engine.Ctx) { runFields(c, true) }

func runFields(c *engine.Ctx, readOnly bool) {
	var buf [usualOps]fieldOp
	ops, ok := parseFields(c, buf[:0])
	if !ok {
		return
	}
	last := int64(-1) // the highest bit written
	for i := range ops {
		if op := &ops[i]; op.verb != fieldGet {
			last = max(last, op.at+int64(op.width)-1)
		}
	}
	longer := false
	switch {
	case last < 0:
		_, ok = c.FindString()
	case readOnly:
		c.Out.Error(errOnlyGet)
		return
	default:
		_, longer, ok = stretch(c, last)
	}
	if !ok {
		return
	}
	changed := false
	c.Out.Array(len(ops))
	for i := range ops {
		if ops[i].run(c, longer) {
			changed = true
		}
	}
	if changed {
		c.Changed(engine.NotifyString, "setbit")
	}
}

// run carries out one operation, replies, and tells whether it wrote something
// new; in a string that was just made longer that is anything.
func (op *fieldOp) run(c *engine.Ctx, longer bool) (changed bool) {
	var scratch [20]byte
	was := op.read(text(c, c.Find(), &scratch))
	if op.verb == fieldGet {
		c.Out.Int(was)
		return false
	}
	base, delta := was, op.operand
	if op.verb == fieldSet {
		base, delta = op.operand, 0
	}
	sum, fits := op.add(base, delta)
	if !fits && op.overflow == refuse {
		c.Out.Null()
		return false
	}
	if op.verb == fieldSet {
		c.Out.Int(was)
	} else {
		c.Out.Int(sum)
	}
	if sum == was {
		return longer
	}
	writeBits(edit(c, op.at, op.width), op.at, op.width, uint64(sum))
	return true
}

// read returns the field's value in s.
func (op *fieldOp) read(s []byte) int64 {
	v := readBits(s, op.at, op.width)
	if op.signed {
		return int64(v<<(64-op.width)) >> (64 - op.width)
	}
	return int64(v)
}

// add returns value+delta as the field holds it, and whether it fits as it is.
func (op *fieldOp) add(value, delta int64) (sum int64, fits bool) {
	if op.signed {
		return op.addSigned(value, delta)
	}
	return op.addUnsigned(uint64(value), delta)
}

func (op *fieldOp) addUnsigned(value uint64, delta int64) (sum int64, fits bool) {
	limit := uint64(1)<<op.width - 1
	over := value > limit || delta > 0 && uint64(delta) > limit-value
	under := !over && delta < 0 && -uint64(delta) > value
	switch {
	case op.overflow == saturate && over:
		return int64(limit), false
	case op.overflow == saturate && under:
		return 0, false
	}
	return int64((value + uint64(delta)) & limit), !over && !under
}

// addSigned compares as Redis does, wrapping in the room left included: so a
// number far below a field's least one saturates to its greatest.
func (op *fieldOp) addSigned(value, delta int64) (sum int64, fits bool) {
	limit := int64(math.MaxInt64) >> (64 - op.width)
	least := -limit - 1
	room, depth := limit-value, least-value
	narrow := op.width < 64
	over := value > limit || (narrow || value >= 0 && delta > 0) && delta > room
	under := !over && (value < least || (narrow || value < 0 && delta < 0) && delta < depth)
	switch {
	case op.overflow == saturate && over:
		return limit, false
	case op.overflow == saturate && under:
		return least, false
	}
	return (value + delta) << (64 - op.width) >> (64 - op.width), !over && !under
}

func parseFields(c *engine.Ctx, ops []fieldOp) ([]fieldOp, bool) {
	mode := wrapAround
	for i := 2; i < len(c.Args); {
		op := fieldOp{overflow: mode}
		operands := 2
		left := len(c.Args) - i - 1
		switch {
		case c.Is(i, "GET") && left >= 2:
		case c.Is(i, "SET") && left >= 3:
			op.verb, operands = fieldSet, 3
		case c.Is(i, "INCRBY") && left >= 3:
			op.verb, operands = fieldIncrBy, 3
		case c.Is(i, "OVERFLOW") && left >= 1:
			var ok bool
			if mode, ok = parseOverflow(c, i+1); !ok {
				return nil, false
			}
			i += 2
			continue
		default:
			c.Out.Error(reply.ErrSyntax)
			return nil, false
		}
		if !op.parse(c, i) {
			return nil, false
		}
		ops = append(ops, op)
		i += 1 + operands
	}
	return ops, true
}

func parseOverflow(c *engine.Ctx, i int) (mode overflowMode, ok bool) {
	switch {
	case c.Is(i, "WRAP"):
		return wrapAround, true
	case c.Is(i, "SAT"):
		return saturate, true
	case c.Is(i, "FAIL"):
		return refuse, true
	}
	c.Out.Error(errOverflow)
	return 0, false
}

// parse reads type, offset and operand of the verb at argument i.
func (op *fieldOp) parse(c *engine.Ctx, i int) (ok bool) {
	if !op.parseType(c.Args[i+1]) {
		c.Out.Error(errFieldType)
		return false
	}
	if op.at, ok = offset(c, c.Args[i+2], int64(op.width)); !ok {
		return false
	}
	if op.verb != fieldGet {
		op.operand, ok = c.Int(i + 3)
	}
	return ok
}

// parseType reads i1 to i64 or u1 to u63.
func (op *fieldOp) parseType(arg []byte) bool {
	if len(arg) == 0 || arg[0] != 'i' && arg[0] != 'u' {
		return false
	}
	op.signed = arg[0] == 'i'
	n, ok := num.ParseInt(arg[1:])
	if !ok || n < 1 || n > 64 || n == 64 && !op.signed {
		return false
	}
	op.width = uint(n)
	return true
}
