package script

import lua "github.com/yuin/gopher-lua"

// keptWords is how many elements KEYS and ARGV keep room for between runs: more
// than most scripts have, and few to clear.
const keptWords = 8

// words is KEYS or ARGV. The table is one and the same in all runs of an
// interpreter, as no script can keep it; what a script has done to it is undone
// by making it anew in place.
type words struct {
	table lua.LTable
	blank lua.LTable // the table when empty, with its room
}

func newWords(L *lua.LState) *words {
	w := &words{blank: *L.CreateTable(keptWords, 0)}
	w.table = w.blank
	return w
}

// fill makes the empty table one of items. Its strings are the items' own memory.
func (w *words) fill(L *lua.LState, items [][]byte) {
	if len(items) > keptWords {
		w.table = *L.CreateTable(len(items), 0)
	}
	for i, b := range items {
		w.table.RawSetInt(i+1, lua.LString(textOf(b)))
	}
}

// clear empties the table and lets go of all that was in its room.
func (w *words) clear() {
	w.table = w.blank
	w.table.RawSetInt(keptWords, lua.LNil) // and nil below
	w.table = w.blank
}
