package script

import (
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// keptWords is how many elements KEYS and ARGV keep room for between runs: more
// than most scripts have.
const keptWords = 8

// words is KEYS or ARGV. The table is one and the same in all runs of an
// interpreter, and so is the memory of its first values, as no script can keep
// them; what a script has done to the table is undone by making it anew in place.
type words struct {
	table  lua.LTable
	blank  lua.LTable // the table when empty, with its room
	texts  [keptWords]lua.LString
	values [keptWords]lua.LValue // texts, without the copies that a conversion makes
}

func newWords(L *lua.LState) *words {
	w := &words{blank: *L.CreateTable(keptWords, 0)}
	w.table = w.blank
	for i := range w.texts {
		w.values[i] = valueAt(&w.texts[i])
	}
	return w
}

// valueAt is *s as a value that has no memory of its own.
func valueAt(s *lua.LString) lua.LValue {
	v := lua.LValue(*s)
	parts := (*[2]unsafe.Pointer)(unsafe.Pointer(&v)) // an interface's: type, data
	parts[1] = unsafe.Pointer(s)
	return v
}

// fill makes the empty table one of items. Its strings are the items' own memory.
func (w *words) fill(L *lua.LState, items [][]byte) {
	if len(items) > keptWords {
		w.table = *L.CreateTable(len(items), 0)
	}
	for i, b := range items {
		if i < keptWords {
			w.texts[i] = lua.LString(textOf(b))
			w.table.RawSetInt(i+1, w.values[i])
			continue
		}
		w.table.RawSetInt(i+1, lua.LString(textOf(b)))
	}
}

// clear empties the table, which had as many items at first, and lets go of all
// that was in its room.
func (w *words) clear(filled int) {
	used := min(max(filled, w.table.MaxN()), keptWords)
	w.table = w.blank
	for i := range used {
		w.table.RawSetInt(i+1, lua.LNil)
	}
	w.table = w.blank
	clear(w.texts[:min(filled, keptWords)])
}
