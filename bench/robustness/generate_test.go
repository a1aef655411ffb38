package robustness

import "strconv"

// home is the type that each key of a history mostly has: commands meet values
// that they can use, and now and then one that they cannot.
var home = map[byte][]int{stringType: {0, 1}, listType: {2, 3}, setType: {4, 5}}

// grammar is the commands of histories. A command is drawn as often as it is
// listed.
var grammar = []struct {
	name  string
	types byte   // whose keys it takes
	keys  [2]int // least and most
	args  func(c *historian, keys int) []string
}{
	{"GET", stringType, [2]int{1, 1}, noArgs},
	{"GET", stringType, [2]int{1, 1}, noArgs},
	{"SET", stringType, [2]int{1, 1}, newValues},
	{"INCR", stringType, [2]int{1, 1}, noArgs},
	{"APPEND", stringType, [2]int{1, 1}, digit},
	{"MGET", stringType, [2]int{2, 6}, noArgs},
	{"MGET", stringType, [2]int{2, 6}, noArgs},
	{"MSET", stringType, [2]int{2, 2}, newValues},
	{"MSET", stringType, [2]int{2, 2}, newValues},
	{"MSETNX", stringType, [2]int{2, 2}, newValues},
	{"DEL", stringType, [2]int{1, 2}, noArgs},
	{"EXISTS", stringType, [2]int{1, 6}, noArgs},
	{"RENAME", stringType, [2]int{2, 2}, noArgs},
	{"LPUSH", listType, [2]int{1, 1}, oneValue},
	{"LPUSH", listType, [2]int{1, 1}, oneValue},
	{"RPOP", listType, [2]int{1, 1}, noArgs},
	{"LRANGE", listType, [2]int{1, 1}, all},
	{"LMOVE", listType, [2]int{2, 2}, tailToHead},
	{"LMOVE", listType, [2]int{2, 2}, tailToHead},
	{"RENAME", listType, [2]int{2, 2}, noArgs},
	{"SADD", setType, [2]int{1, 1}, member},
	{"SADD", setType, [2]int{1, 1}, member},
	{"SADD", setType, [2]int{1, 1}, member},
	{"SADD", setType, [2]int{1, 1}, member},
	{"SREM", setType, [2]int{1, 1}, member},
	{"SMEMBERS", setType, [2]int{1, 1}, noArgs},
	{"SMOVE", setType, [2]int{2, 2}, member},
	{"SMOVE", setType, [2]int{2, 2}, member},
	{"SINTERSTORE", setType, [2]int{2, 3}, noArgs},
	{"SUNION", setType, [2]int{2, 2}, noArgs},
	{"DEL", setType, [2]int{1, 2}, noArgs},
}

func noArgs(*historian, int) []string { return nil }

func all(*historian, int) []string { return []string{"0", "-1"} }

func tailToHead(*historian, int) []string { return []string{"RIGHT", "LEFT"} }

func oneValue(c *historian, _ int) []string { return newValues(c, 1) }

func digit(c *historian, _ int) []string { return []string{strconv.Itoa(1 + c.rand.IntN(9))} }

// newValues are integers that no other client sets, so that a reply tells whose
// write it saw.
func newValues(c *historian, keys int) []string {
	args := make([]string, keys)
	for i := range args {
		c.values++
		args[i] = strconv.Itoa(10000*(c.id+1) + 10*c.values)
	}
	return args
}

func member(c *historian, _ int) []string { return []string{string(rune('a' + c.rand.IntN(5)))} }

func (c *historian) command() command {
	g := grammar[c.rand.IntN(len(grammar))]
	n := g.keys[0] + c.rand.IntN(g.keys[1]-g.keys[0]+1)
	homes := home[g.types]
	keys := make([]int, n)
	for i, j := range c.rand.Perm(max(n, len(homes)))[:n] {
		switch {
		case n > len(homes) || c.rand.IntN(25) == 0:
			keys[i] = c.rand.IntN(historyKeys)
		default:
			keys[i] = homes[j]
		}
	}
	return command{name: g.name, keys: keys, args: g.args(c, n)}
}

func (c *historian) commands(n int) []command {
	all := make([]command, n)
	for i := range all {
		all[i] = c.command()
	}
	return all
}

func (c *historian) someKeys(n int) []int { return c.rand.Perm(historyKeys)[:n] }

// operation draws one that stands by itself.
func (c *historian) operation() operation {
	o := operation{client: c.id}
	switch c.rand.IntN(12) {
	case 0, 1:
		o.kind, o.commands = block, c.commands(2+c.rand.IntN(3))
	case 2:
		o.kind, o.commands = declared, c.commands(1+c.rand.IntN(3))
	case 3:
		o.kind, o.commands = computed, c.commands(1+c.rand.IntN(3))
	case 4:
		o.kind, o.commands = chase, []command{{name: "APPEND", keys: []int{0, 1, 0}, args: digit(c, 1)}}
	default:
		o.commands = c.commands(1)
	}
	return o
}
