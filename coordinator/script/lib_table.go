package script

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

func (m *vm) tableFunctions() library {
	return library{
		"concat":   m.tabConcat,
		"foreach":  m.tabForeach,
		"foreachi": m.tabForeachi,
		"getn":     m.tabGetn,
		"insert":   m.tabInsert,
		"maxn":     m.tabMaxn,
		"remove":   m.tabRemove,
		"setn":     m.tabSetn,
		"sort":     m.tabSort,
	}
}

func (m *vm) tabConcat(L *lua.LState) int {
	sep := m.optString(L, 2, "")
	t := m.reading(m.checkTable(L, 1))
	i := m.optInt(L, 3, 1)
	last := m.optInt(L, 4, t.Len())
	size := 0
	for k := i; k <= last; k++ {
		v := t.RawGet(lua.LNumber(k))
		switch v := v.(type) {
		case lua.LString:
			size += len(v)
		case lua.LNumber:
			size += 16
		default:
			m.fail(L, 1, fmt.Sprintf("invalid value (%s) at index %d in table for 'concat'", v.Type(), k))
		}
		if k < last {
			size += len(sep)
		}
		if size > m.engine.opts.StringLimit {
			break
		}
	}
	m.reserve(L, size)
	m.work(L, size>>6)
	out := make([]byte, 0, size)
	for k := i; k <= last; k++ {
		out = appendText(out, t.RawGet(lua.LNumber(k)))
		if k < last {
			out = append(out, sep...)
		}
	}
	L.Push(lua.LString(textOf(out)))
	return 1
}

func (m *vm) tabForeach(L *lua.LState) int {
	t, fn := m.reading(m.checkTable(L, 1)), m.checkFunction(L, 2)
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if r := m.invoke(L, fn, k, v); r != lua.LNil {
			L.Push(r)
			return 1
		}
	}
	return 0
}

func (m *vm) tabForeachi(L *lua.LState) int {
	t, fn := m.reading(m.checkTable(L, 1)), m.checkFunction(L, 2)
	for i, n := 1, t.Len(); i <= n; i++ {
		if r := m.invoke(L, fn, lua.LNumber(i), t.RawGetInt(i)); r != lua.LNil {
			L.Push(r)
			return 1
		}
	}
	return 0
}

func (m *vm) tabGetn(L *lua.LState) int {
	L.Push(lua.LNumber(m.reading(m.checkTable(L, 1)).Len()))
	return 1
}

func (m *vm) tabSetn(L *lua.LState) int {
	m.checkTable(L, 1)
	m.fail(L, 1, "'setn' is obsolete")
	return 0
}

func (m *vm) tabMaxn(L *lua.LState) int {
	top := lua.LNumber(0)
	m.reading(m.checkTable(L, 1)).ForEach(func(k, _ lua.LValue) {
		if n, ok := k.(lua.LNumber); ok && n > top {
			top = n
		}
	})
	L.Push(top)
	return 1
}

func (m *vm) tabInsert(L *lua.LState) int {
	t := m.checkTable(L, 1)
	m.writing(L, t)
	end := t.Len() + 1
	switch L.GetTop() {
	case 2:
		m.charge(L, sizeElement)
		t.RawSetInt(end, L.Get(2))
	case 3:
		pos := m.checkInt(L, 2)
		m.countKey(L, t, lua.LNumber(max(pos, end)))
		if 1 <= pos && pos < end {
			m.work(L, (end-pos)>>3)
			t.Insert(pos, L.Get(3))
			return 0
		}
		for i := end; i > pos && i > 0; i-- { // a position below 1 moves all up
			t.RawSetInt(i, t.RawGetInt(i-1))
		}
		t.RawSet(lua.LNumber(pos), L.Get(3))
	default:
		m.fail(L, 1, "wrong number of arguments to 'insert'")
	}
	return 0
}

func (m *vm) tabRemove(L *lua.LState) int {
	t := m.checkTable(L, 1)
	end := t.Len()
	pos := m.optInt(L, 2, end)
	if pos < 1 || pos > end {
		return 0
	}
	m.writing(L, t)
	m.work(L, (end-pos)>>3)
	L.Push(t.RawGetInt(pos))
	if t.MaxN() == end {
		if pos == end {
			t.RawSetInt(end, lua.LNil) // Remove would leave the value in memory
		}
		t.Remove(pos)
		return 1
	}
	for i := pos; i < end; i++ {
		t.RawSetInt(i, t.RawGetInt(i+1))
	}
	t.RawSetInt(end, lua.LNil)
	return 1
}

func (m *vm) tabSort(L *lua.LState) int {
	t := m.checkTable(L, 1)
	s := sorter{m: m, L: L, t: t}
	if L.Get(2) != lua.LNil {
		s.less = m.checkFunction(L, 2)
	}
	n := t.Len()
	if n > 1 {
		m.writing(L, t)
	}
	s.sort(1, n)
	return 0
}

// sorter is the quicksort of Lua 5.1: the same comparisons in the same order,
// so that ties and inconsistent functions end as they do there.
type sorter struct {
	m    *vm
	L    *lua.LState
	t    *lua.LTable
	less *lua.LFunction
}

func (s *sorter) get(i int) lua.LValue { return s.t.RawGetInt(i) }

func (s *sorter) swap(i, j int) {
	a, b := s.get(i), s.get(j)
	s.t.RawSetInt(i, b)
	s.t.RawSetInt(j, a)
}

func (s *sorter) before(a, b lua.LValue) bool {
	s.m.work(s.L, 1)
	if s.less != nil {
		return lua.LVAsBool(s.m.invoke(s.L, s.less, a, b))
	}
	x, ok1 := a.(lua.LNumber)
	y, ok2 := b.(lua.LNumber)
	if ok1 && ok2 {
		return x < y
	}
	ta, tb := a.Type(), b.Type()
	_, isTable := a.(*lua.LTable)
	switch {
	case ta != tb:
		s.m.fail(s.L, 0, fmt.Sprintf("attempt to compare %s with %s", ta, tb))
	case ta != lua.LTString && (!isTable || s.m.metamethod(s.L, a, "__lt") == lua.LNil):
		s.m.fail(s.L, 0, fmt.Sprintf("attempt to compare two %s values", ta))
	}
	return s.L.LessThan(a, b)
}

func (s *sorter) sort(lo, hi int) {
	for lo < hi {
		if s.before(s.get(hi), s.get(lo)) {
			s.swap(lo, hi)
		}
		if hi-lo == 1 {
			return
		}
		mid := (lo + hi) / 2
		if s.before(s.get(mid), s.get(lo)) {
			s.swap(mid, lo)
		} else if s.before(s.get(hi), s.get(mid)) {
			s.swap(mid, hi)
		}
		if hi-lo == 2 {
			return
		}
		i := s.partition(lo, hi, mid)
		if i-lo < hi-i {
			s.sort(lo, i-1)
			lo = i + 1
		} else {
			s.sort(i+1, hi)
			hi = i - 1
		}
	}
}

// partition splits around the element at mid and returns its final place.
func (s *sorter) partition(lo, hi, mid int) int {
	pivot := s.get(mid)
	s.swap(mid, hi-1)
	i, j := lo, hi-1
	for {
		for i++; s.before(s.get(i), pivot); i++ {
			if i > hi {
				s.m.fail(s.L, 1, "invalid order function for sorting")
			}
		}
		for j--; s.before(pivot, s.get(j)); j-- {
			if j < lo {
				s.m.fail(s.L, 1, "invalid order function for sorting")
			}
		}
		if j < i {
			break
		}
		s.swap(i, j)
	}
	s.swap(hi-1, i)
	return i
}
