package script

import (
	"bytes"

	lua "github.com/yuin/gopher-lua"
)

const (
	// maxCaptures is Lua's limit of captures in one pattern.
	maxCaptures = 32
	// maxMatchDepth bounds the recursion of a match; each single-character item
	// with '-' or '?' nests once.
	maxMatchDepth = 20000
	// workEvery is how many match steps are counted together.
	workEvery = 256

	captureOpen     = -1
	capturePosition = -2
)

// matcher matches one Lua pattern against one subject. Each step counts as an
// instruction of the script, so explosive patterns end by its budget.
type matcher struct {
	m        *vm
	L        *lua.LState
	src, pat string
	level    int
	depth    int
	steps    int
	capture  [maxCaptures]struct{ at, size int }
}

func (s *matcher) fail(text string) { s.m.fail(s.L, 1, text) }

func (s *matcher) step() {
	s.steps++
	if s.steps == workEvery {
		s.steps = 0
		s.m.work(s.L, workEvery)
	}
}

// patAt is the pattern's byte at p, 0 past its end.
func (s *matcher) patAt(p int) byte {
	if p < len(s.pat) {
		return s.pat[p]
	}
	return 0
}

// itemEnd returns the index after the single-character item at p.
func (s *matcher) itemEnd(p int) int {
	switch s.pat[p] {
	case '%':
		if p+1 >= len(s.pat) {
			s.fail("malformed pattern (ends with '%')")
		}
		return p + 2
	case '[':
		return s.setEnd(p + 1)
	}
	return p + 1
}

func (s *matcher) setEnd(p int) int {
	if s.patAt(p) == '^' {
		p++
	}
	for first := true; first || s.patAt(p) != ']'; first = false {
		if p >= len(s.pat) {
			s.fail("malformed pattern (missing ']')")
		}
		if s.pat[p] == '%' && p+1 < len(s.pat) {
			p++
		}
		p++
	}
	return p + 1
}

func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isHex(c byte) bool   { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
func isPunct(c byte) bool { return '!' <= c && c <= '~' && !isAlpha(c) && !isDigit(c) }

// inClass tells whether c is in the class that a letter names.
func inClass(c, class byte) bool {
	var in bool
	switch class | 0x20 {
	case 'a':
		in = isAlpha(c)
	case 'c':
		in = c < ' ' || c == 0x7f
	case 'd':
		in = isDigit(c)
	case 'l':
		in = 'a' <= c && c <= 'z'
	case 'p':
		in = isPunct(c)
	case 's':
		in = isSpace(c)
	case 'u':
		in = 'A' <= c && c <= 'Z'
	case 'w':
		in = isAlpha(c) || isDigit(c)
	case 'x':
		in = isHex(c)
	case 'z':
		in = c == 0
	default:
		return class == c
	}
	if !isAlpha(class) {
		return class == c
	}
	return in == (class&0x20 != 0)
}

// inSet tells whether c is in the set pat[p:end], brackets included.
func (s *matcher) inSet(c byte, p, end int) bool {
	in := true
	p++
	if s.pat[p] == '^' {
		in = false
		p++
	}
	last := end - 1
	for ; p < last; p++ {
		switch {
		case s.pat[p] == '%':
			p++
			if inClass(c, s.pat[p]) {
				return in
			}
		case p+2 < last && s.pat[p+1] == '-':
			if s.pat[p] <= c && c <= s.pat[p+2] {
				return in
			}
			p += 2
		case s.pat[p] == c:
			return in
		}
	}
	return !in
}

// single tells whether the subject's byte at i matches the item pat[p:end].
func (s *matcher) single(i, p, end int) bool {
	if i >= len(s.src) {
		return false
	}
	s.step()
	c := s.src[i]
	switch s.pat[p] {
	case '.':
		return true
	case '%':
		return inClass(c, s.pat[p+1])
	case '[':
		return s.inSet(c, p, end)
	}
	return s.pat[p] == c
}

// match matches pat[p:] at src[i:] and returns the end of the match, or -1.
func (s *matcher) match(i, p int) int {
	s.depth++
	if s.depth > maxMatchDepth {
		s.fail("pattern too complex")
	}
	defer func() { s.depth-- }()
	for p < len(s.pat) {
		s.step()
		switch c := s.pat[p]; {
		case c == '(':
			if s.patAt(p+1) == ')' {
				return s.open(i, p+2, capturePosition)
			}
			return s.open(i, p+1, captureOpen)
		case c == ')':
			return s.close(i, p+1)
		case c == '$' && p+1 == len(s.pat):
			if i == len(s.src) {
				return i
			}
			return -1
		case c == '%' && s.special(p+1):
			if i, p = s.escape(i, p); i < 0 {
				return -1
			}
			continue
		}
		end := s.itemEnd(p)
		switch s.patAt(end) {
		case '?':
			if s.single(i, p, end) {
				if r := s.match(i+1, end+1); r >= 0 {
					return r
				}
			}
			p = end + 1
		case '*':
			return s.longest(i, p, end)
		case '+':
			if !s.single(i, p, end) {
				return -1
			}
			return s.longest(i+1, p, end)
		case '-':
			return s.shortest(i, p, end)
		default:
			if !s.single(i, p, end) {
				return -1
			}
			i, p = i+1, end
		}
	}
	return i
}

func (s *matcher) special(p int) bool {
	c := s.patAt(p)
	return c == 'b' || c == 'f' || isDigit(c)
}

// escape matches %b, %f and %1; it returns i < 0 if that fails.
func (s *matcher) escape(i, p int) (int, int) {
	switch s.pat[p+1] {
	case 'b':
		return s.balance(i, p+2), p + 4
	case 'f':
		return s.frontier(i, p+2)
	}
	return s.again(i, s.pat[p+1]), p + 2
}

func (s *matcher) frontier(i, p int) (int, int) {
	if s.patAt(p) != '[' {
		s.fail("missing '[' after '%f' in pattern")
	}
	end := s.itemEnd(p)
	var before, here byte
	if i > 0 {
		before = s.src[i-1]
	}
	if i < len(s.src) {
		here = s.src[i]
	}
	if s.inSet(before, p, end) || !s.inSet(here, p, end) {
		return -1, end
	}
	return i, end
}

func (s *matcher) balance(i, p int) int {
	if p+1 >= len(s.pat) {
		s.fail("unbalanced pattern")
	}
	open, shut := s.pat[p], s.pat[p+1]
	if i >= len(s.src) || s.src[i] != open {
		return -1
	}
	for depth := 1; ; {
		i++
		if i >= len(s.src) {
			return -1
		}
		s.step()
		switch s.src[i] {
		case shut:
			depth--
			if depth == 0 {
				return i + 1
			}
		case open:
			depth++
		}
	}
}

func (s *matcher) longest(i, p, end int) int {
	n := 0
	for s.single(i+n, p, end) {
		n++
	}
	for ; n >= 0; n-- {
		if r := s.match(i+n, end+1); r >= 0 {
			return r
		}
	}
	return -1
}

func (s *matcher) shortest(i, p, end int) int {
	for {
		if r := s.match(i, end+1); r >= 0 {
			return r
		}
		if !s.single(i, p, end) {
			return -1
		}
		i++
	}
}

func (s *matcher) open(i, p, kind int) int {
	if s.level >= maxCaptures {
		s.fail("too many captures")
	}
	s.capture[s.level].at, s.capture[s.level].size = i, kind
	s.level++
	r := s.match(i, p)
	if r < 0 {
		s.level--
	}
	return r
}

func (s *matcher) close(i, p int) int {
	l := s.level - 1
	for l >= 0 && s.capture[l].size != captureOpen {
		l--
	}
	if l < 0 {
		s.fail("invalid pattern capture")
	}
	s.capture[l].size = i - s.capture[l].at
	r := s.match(i, p)
	if r < 0 {
		s.capture[l].size = captureOpen
	}
	return r
}

// again matches what an earlier capture matched.
func (s *matcher) again(i int, digit byte) int {
	l := int(digit) - '1'
	if l < 0 || l >= s.level || s.capture[l].size == captureOpen {
		s.fail("invalid capture index")
	}
	c := s.capture[l]
	if c.size < 0 || len(s.src)-i < c.size || s.src[c.at:c.at+c.size] != s.src[i:i+c.size] {
		return -1
	}
	return i + c.size
}

// captured returns capture l of a match of src[from:to].
func (s *matcher) captured(l, from, to int) lua.LValue {
	if l >= s.level {
		if l != 0 {
			s.fail("invalid capture index")
		}
		return s.m.slice(s.L, s.src, from, to)
	}
	switch c := s.capture[l]; c.size {
	case captureOpen:
		s.fail("unfinished capture")
		return lua.LNil
	case capturePosition:
		return lua.LNumber(c.at + 1)
	default:
		return s.m.slice(s.L, s.src, c.at, c.at+c.size)
	}
}

// captures returns all captures; whole adds the match itself if there is none.
func (s *matcher) captures(from, to int, whole bool) []lua.LValue {
	n := s.level
	if n == 0 && whole {
		n = 1
	}
	out := make([]lua.LValue, n)
	for l := range out {
		out[l] = s.captured(l, from, to)
	}
	return out
}

// slice copies a part of a string when sharing would keep much else in memory.
func (m *vm) slice(L *lua.LState, s string, from, to int) lua.LString {
	if to-from >= len(s)/2 {
		return lua.LString(s[from:to])
	}
	m.reserve(L, to-from)
	return lua.LString(bytes.Clone(bytesOf(s[from:to])))
}
