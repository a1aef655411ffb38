package sim

import (
	"fmt"
	"strconv"

	"github.com/troupedb/troupe/coordinator/saga"
)

// Few keys of each kind, so that calls meet.
const (
	accounts = 5
	pointers = 2
	lists    = 3
	sets     = 3
	texts    = 3
	briefs   = 3 // which end after a while
)

// account is worth startBalance before the first transfer, as it is not there then.
func (c *client) account() string { return fmt.Sprint("account", c.w.rng.IntN(accounts)) }
func (c *client) pointer() string { return fmt.Sprint("pointer", c.w.rng.IntN(pointers)) }
func (c *client) list() string    { return fmt.Sprint("list", c.w.rng.IntN(lists)) }
func (c *client) set() string     { return fmt.Sprint("set", c.w.rng.IntN(sets)) }
func (c *client) text() string    { return fmt.Sprint("text", c.w.rng.IntN(texts)) }
func (c *client) brief() string   { return brief(c.w.rng.IntN(briefs)) }
func (c *client) number() string  { return strconv.Itoa(c.w.rng.IntN(10)) }

func brief(i int) string { return fmt.Sprint("brief", i) }

// tag is a value that nobody else writes.
func (c *client) tag() string {
	c.w.tags++
	return fmt.Sprint("v", c.w.tags)
}

func (c *client) side() string { return []string{"LEFT", "RIGHT"}[c.w.rng.IntN(2)] }

// follow moves money from the account that a pointer names: a key that nobody
// knows before the script runs.
const follow = `
local from = redis.call('GET', KEYS[1])
if not from then return redis.call('SET', KEYS[1], ARGV[1]) end
redis.call('DECRBY', from, ARGV[2])
redis.call('INCRBY', ARGV[1], ARGV[2])
redis.call('SET', KEYS[1], ARGV[1])
return {from, redis.call('GET', from), redis.call('GET', ARGV[1])}`

// kinds are the random calls, each as often as its weight.
var kinds = []struct {
	weight int
	make   func(c *client) *op
}{
	{4, (*client).transfer},
	{2, (*client).inDatabases},
	{2, (*client).watched},
	{3, (*client).script},
	{3, (*client).readAll},
	{4, (*client).writeTexts},
	{2, (*client).wholeDB},
	{5, (*client).moveElement},
	{4, (*client).onSets},
	{8, (*client).onOneKey},
	{8, (*client).onBriefs}, // this and what follows: see Options.Plain
	{5, (*client).declared},
}

// plainKinds is how many kinds there are in worlds that are Plain.
const plainKinds = 10

// company are those of which most can be carried out with others.
var company = []func(c *client) *op{(*client).transfer, (*client).readAll, (*client).onBriefs, (*client).onBriefs}

func (c *client) random() *op {
	switch {
	case c.w.o.Brief && c.w.rng.IntN(3) > 0:
		return c.onBriefs()
	case c.at.gatherer.collects() && c.w.rng.IntN(2) == 0:
		return company[c.w.rng.IntN(len(company))](c)
	}
	kinds := kinds
	if c.w.o.Plain {
		kinds = kinds[:plainKinds]
	}
	for {
		n := 0
		for _, k := range kinds {
			n += k.weight
		}
		n = c.w.rng.IntN(n)
		for _, k := range kinds {
			if n -= k.weight; n < 0 {
				if o := k.make(c); o.words[0][0] == '~' || c.w.o.Setup.has(o.words[0]) {
					return o
				}
				break
			}
		}
	}
}

func (c *client) pick(lines ...[]string) *op {
	return &op{words: lines[c.w.rng.IntN(len(lines))]}
}

func (c *client) transfer() *op {
	n := c.number()
	return &op{words: []string{saga.ExecName}, queue: [][]string{{"DECRBY", c.account(), n}, {"INCRBY", c.account(), n}}}
}

// inDatabases is a transaction in two databases.
func (c *client) inDatabases() *op {
	return &op{words: []string{saga.ExecName}, queue: [][]string{
		{"INCR", c.account()}, {"SELECT", "1"}, {"DECR", c.account()}, {"SELECT", "0"}, {"MGET", c.account(), c.text()},
	}}
}

// watched is WATCH and, as the next such call, EXEC.
func (c *client) watched() *op {
	if c.watch == nil {
		return &op{words: []string{saga.WatchName, c.account(), c.text()}}
	}
	o := c.transfer()
	o.watch, c.watch = c.watch, nil
	return o
}

// widen locks one key first and then, with it, all.
const widen = `redis.call('INCR', KEYS[1]); return redis.call('DBSIZE')`

func (c *client) script() *op {
	if c.w.rng.IntN(8) == 0 {
		return &op{words: []string{"EVAL", widen, "1", c.account()}}
	}
	return &op{words: []string{"EVAL", follow, "1", c.pointer(), c.account(), c.number()}}
}

// Scripts that declare their keys. The first two run on a draft to their end; the third
// pushes what blocked clients wait for; the last finds a key that it has not declared
// after it has written.
const (
	pay = `
local left = redis.call('DECRBY', KEYS[1], ARGV[1])
redis.call('INCRBY', KEYS[2], ARGV[1])
if left < 0 then redis.call('SET', KEYS[3], ARGV[2]) end
return {left, redis.call('GET', KEYS[2]), redis.call('GET', KEYS[3])}`
	look = `return {redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])}`
	push = `return {redis.call('RPUSH', KEYS[1], ARGV[1]), redis.call('LPUSH', KEYS[2], ARGV[2])}`
	seek = `
redis.call('DECRBY', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[3])
local n = redis.call('INCRBY', ARGV[1], ARGV[2])
redis.call('APPEND', KEYS[2], n)
return {n, redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])}`
)

func (c *client) declared() *op {
	return c.pick(
		[]string{"EVAL", pay, "3", c.account(), c.account(), c.text(), c.number(), c.tag()},
		[]string{"EVAL", pay, "3", c.account(), c.account(), c.text(), c.number(), c.tag()},
		[]string{"EVAL_RO", look, "2", c.account(), c.text()},
		[]string{"EVAL", push, "2", c.list(), c.list(), c.tag(), c.tag()},
		[]string{"EVAL", seek, "2", c.account(), c.text(), c.account(), c.number(), c.tag()},
	)
}

func (c *client) readAll() *op {
	o := &op{words: []string{"MGET"}}
	for i := range accounts {
		o.words = append(o.words, fmt.Sprint("account", i))
	}
	return o
}

func (c *client) writeTexts() *op {
	a, b := c.text(), c.text()
	return c.pick(
		[]string{"MSET", a, c.tag(), b, c.tag()},
		[]string{"MSETNX", a, c.tag(), b, c.tag()},
		[]string{"MGET", a, b, c.account()},
		[]string{"RENAME", a, b},
		[]string{"RENAMENX", a, b},
		[]string{"COPY", a, b},
		[]string{"DEL", a, b},
		[]string{"EXISTS", a, b},
	)
}

func (c *client) wholeDB() *op {
	if c.w.rng.IntN(10) == 0 {
		return c.pick([]string{"FLUSHDB"})
	}
	return c.pick([]string{"DBSIZE"})
}

func (c *client) moveElement() *op {
	a, b := c.list(), c.list()
	return c.pick(
		[]string{"LMOVE", a, b, c.side(), c.side()},
		[]string{"BLMOVE", a, b, c.side(), c.side(), "0"},
		[]string{"BLPOP", a, "0"},
		[]string{"BLPOP", a, b, "0"},
		[]string{"LMPOP", "2", a, b, c.side()},
		[]string{saga.ExecName},
	).fill(c, []string{"RPUSH", a, c.tag(), c.tag()}, []string{"LPUSH", b, c.tag()})
}

// fill gives an EXEC its queue.
func (o *op) fill(_ *client, queue ...[]string) *op {
	if o.words[0] == saga.ExecName {
		o.queue = queue
	}
	return o
}

func (c *client) onSets() *op {
	a, b, to := c.set(), c.set(), c.set()
	return c.pick(
		[]string{"SMOVE", a, b, c.number()},
		[]string{"SINTERSTORE", to, a, b},
		[]string{"SUNIONSTORE", to, a, b},
		[]string{"SDIFFSTORE", to, a, b},
		[]string{"SINTERCARD", "2", a, b},
		[]string{"SADD", a, c.number(), c.number()},
	)
}

func (c *client) onOneKey() *op {
	return c.pick(
		[]string{"GET", c.account()},
		[]string{"INCRBY", c.account(), "0"},
		[]string{"SET", c.text(), c.tag()},
		[]string{"GET", c.text()},
		[]string{"RPUSH", c.list(), c.tag()},
		[]string{"RPUSH", c.list(), c.tag()},
		[]string{"LPOP", c.list()},
		[]string{"LRANGE", c.list(), "0", "-1"},
		[]string{"SADD", c.set(), c.number()},
		[]string{"SCARD", c.set()},
	)
}

// span is how long a brief key lives, in milliseconds: about as long as a saga that
// reads it, or some calls.
func (c *client) span() string {
	return fmt.Sprint(c.w.between(1, []int64{10, 100, 1000}[c.w.rng.IntN(3)]))
}

func (c *client) onBriefs() *op {
	a, b := c.brief(), c.brief()
	switch c.w.rng.IntN(6) {
	case 0:
		return &op{words: []string{saga.ExecName}, queue: [][]string{{"SET", a, c.tag(), "PX", c.span()}, {"SET", b, c.tag(), "PX", c.span()}}}
	case 1:
		return &op{words: []string{saga.ExecName}, queue: [][]string{{"GET", a}, {"GET", b}, {"GET", c.text()}}[c.w.rng.IntN(4):]}
	case 2, 3:
		return c.pick([]string{"MGET", brief(0), brief(1), brief(2)}, []string{"EXISTS", a, b}, []string{"TOUCH", a, b, c.text()})
	}
	return c.pick(
		[]string{"SET", a, c.tag(), "PX", c.span()},
		[]string{"SET", a, c.tag(), "PX", c.span()},
		[]string{"GETEX", a, "PX", c.span()},
		[]string{"PEXPIRE", a, c.span()},
		[]string{"PERSIST", a},
		[]string{"GET", a},
		[]string{"UNLINK", a, b},
		[]string{"MSET", a, c.tag(), b, c.tag()},
		[]string{"MSET", a, c.tag(), b}, // which is an error
	)
}
