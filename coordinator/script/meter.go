package script

import (
	"context"
	"errors"
	"time"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

const (
	// checkEvery is how many Lua instructions pass between two looks at the
	// kill flag and the budgets: some 20 µs.
	checkEvery = 1024
	// bytesPerStep is what an instruction may allocate unseen, mostly: a table
	// that gets its first field takes 2 KB in three instructions.
	bytesPerStep = 256
	// countEvery is how many bytes may have been allocated before what is live
	// is counted again.
	countEvery = 64 << 20
	// bigString is the length from which equal strings are told apart when
	// live memory is counted.
	bigString = 64
	// Rough sizes in bytes of Go values that Lua values are made of.
	sizeTable    = 128
	sizeElement  = 16
	sizeField    = 120
	sizeFunction = 112
	sizeThread   = 32 << 10
)

// meter bounds a run's time and memory. The interpreter asks it at each
// instruction, as its context.
type meter struct {
	vm      *vm
	steps   uint64
	next    uint64 // steps at which to look again
	max     uint64 // steps allowed, 0 is no limit
	charged int    // bytes allocated since live memory was counted
	live    int    // bytes live when last counted
	ended   error  // why the run ends; the script cannot catch it
}

// The reasons for which a run is ended.
var (
	//lint:ignore ST1005 the text is Redis's
	errKilled = errors.New("Script killed by user with SCRIPT KILL...")
	errMemory = errors.New("not enough memory")
	errSteps  = errors.New("Script exceeded its limit of executed instructions")
	errPanic  = errors.New("internal error in the script interpreter")
)

var closedChannel = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func (b *meter) reset(max uint64) {
	b.steps, b.next, b.max = 0, 1, max
	b.charged, b.live, b.ended = 0, 0, nil
}

// Done is called at every instruction; a closed channel ends the script.
func (b *meter) Done() <-chan struct{} {
	b.steps++
	if b.steps < b.next {
		return nil
	}
	return b.look()
}

func (b *meter) look() <-chan struct{} {
	switch {
	case b.ended != nil:
	case b.steps == 1:
		b.next = checkEvery
		b.vm.L.Panic = b.vm.panic // PCall has set one that is not ours
	default:
		b.next = b.steps + checkEvery
		switch kill := b.vm.req.Kill; {
		case kill != nil && kill.Load():
			b.end(errKilled)
		case b.max != 0 && b.steps > b.max:
			b.end(b.vm.req.overrun())
		default:
			b.charge(checkEvery * bytesPerStep)
		}
	}
	if b.ended == nil {
		return nil
	}
	return closedChannel
}

// end makes every further instruction fail.
func (b *meter) end(reason error) {
	if b.ended == nil {
		b.ended = reason
	}
	b.next = 0
}

// charge counts n allocated bytes and tells whether the run may go on.
func (b *meter) charge(n int) bool {
	b.charged += n
	limit := b.vm.engine.opts.MemoryLimit
	every := min(countEvery, limit/4)
	if b.charged < every && n < limit {
		return b.ended == nil
	}
	b.live = b.vm.countLive(limit)
	b.charged = 0
	if b.live > limit || n > limit-b.live {
		b.end(errMemory)
	}
	return b.ended == nil
}

// Err, Deadline and Value complete context.Context.
func (b *meter) Err() error {
	if b.ended == nil {
		return nil
	}
	return b.ended
}

func (b *meter) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }

func (b *meter) Value(any) any { return nil }

var _ context.Context = (*meter)(nil)

// charge counts memory that a library function is about to take, and raises an
// error when it is too much.
func (m *vm) charge(L *lua.LState, n int) {
	if !m.meter.charge(n) {
		m.stop(L)
	}
}

// work counts n units of work outside the interpreter, such as steps of a
// pattern match, as instructions.
func (m *vm) work(L *lua.LState, n int) {
	m.steps += uint64(n)
	if m.steps >= m.next && m.look() != nil {
		m.stop(L)
	}
}

// stop unwinds a run that has ended.
func (m *vm) stop(L *lua.LState) { m.fail(L, 0, m.ended.Error()) }

// census adds up what can be reached from the interpreter.
type census struct {
	m       *vm
	limit   int
	total   int
	seen    map[any]struct{}
	strings map[*byte]struct{}
	queue   []lua.LValue
}

// countLive returns the bytes that the script can still reach, or a number over
// limit as soon as it is known to be larger.
func (m *vm) countLive(limit int) int {
	c := &census{m: m, limit: limit, seen: make(map[any]struct{}), strings: make(map[*byte]struct{})}
	for proxy, inner := range m.contents {
		c.seen[proxy], c.seen[inner] = struct{}{}, struct{}{}
	}
	c.add(&m.keys.table)
	c.add(&m.argv.table)
	c.stack(m.L)
	for th, co := range m.threads {
		c.add(co.fn)
		c.stack(th)
	}
	for len(c.queue) > 0 && c.total <= limit {
		v := c.queue[len(c.queue)-1]
		c.queue = c.queue[:len(c.queue)-1]
		c.open(v)
	}
	return c.total
}

func (c *census) add(v lua.LValue) {
	switch v := v.(type) {
	case nil:
	case lua.LString:
		if len(v) >= bigString {
			at := unsafe.StringData(string(v))
			if _, ok := c.strings[at]; ok {
				return
			}
			c.strings[at] = struct{}{}
		}
		c.total += len(v) + sizeElement
	case *lua.LTable, *lua.LFunction, *lua.LState, *lua.LUserData:
		if _, ok := c.seen[v]; !ok {
			c.seen[v] = struct{}{}
			c.queue = append(c.queue, v)
		}
	default:
		c.total += sizeElement
	}
}

func (c *census) open(v lua.LValue) {
	switch v := v.(type) {
	case *lua.LTable:
		c.table(v)
	case *lua.LFunction:
		c.total += sizeFunction + sizeElement*len(v.Upvalues)
		for _, u := range v.Upvalues {
			if u != nil {
				c.add(u.Value())
			}
		}
	case *lua.LState:
		c.total += sizeThread
		c.stack(v)
	case *lua.LUserData:
		c.total += sizeTable
	}
}

func (c *census) table(t *lua.LTable) {
	array := t.MaxN()
	c.total += sizeTable + sizeElement*array + sizeField*c.m.stale(t)
	c.add(t.Metatable)
	for i := 1; i <= array && c.total <= c.limit; i++ {
		c.add(t.RawGetInt(i))
	}
	last := lua.LNil
	if array > 0 {
		last = lua.LNumber(array)
	}
	for k, v := t.Next(last); k != lua.LNil && c.total <= c.limit; k, v = t.Next(k) {
		c.total += sizeField
		c.add(k)
		c.add(v)
	}
}

// stack adds the values on a thread's stack. The interpreter has no accessor
// for it, but its debug interface reads locals by number relative to a frame,
// also below the frame, until the stack ends.
func (c *census) stack(L *lua.LState) {
	frame, ok := L.GetStack(0)
	if !ok {
		return
	}
	for i := 1; ; i++ {
		name, v := local(L, frame, i)
		if name == "" {
			break
		}
		c.add(v)
	}
	for i := 0; ; i-- {
		name, v := local(L, frame, i)
		if name == "" {
			break
		}
		c.add(v)
	}
}

// local is GetLocal, with no name past either end of the stack.
func local(L *lua.LState, frame *lua.Debug, i int) (name string, v lua.LValue) {
	defer func() {
		if recover() != nil {
			name, v = "", nil
		}
	}()
	return L.GetLocal(frame, i)
}
