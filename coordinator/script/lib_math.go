package script

import (
	"math"
	"math/bits"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// rand48 is the 48-bit generator behind Redis's math.random.
type rand48 uint64

const (
	randFactor = 0x5DEECE66D
	randAdd    = 0xB
	randMask   = 1<<48 - 1
	randLow    = 0x330E         // what seeding puts in the low 16 bits
	randFresh  = 0x1234ABCD330E // state of a process that has not seeded
	randRange  = math.MaxInt32
)

func newRand48(seed uint32) rand48 {
	if seed == 0 {
		return randFresh
	}
	return rand48(seed)<<16 | randLow
}

// next returns the next number, 0 to 2^31-1.
func (r *rand48) next() uint32 {
	*r = (*r*randFactor + randAdd) & randMask
	return uint32(*r >> 17)
}

func (m *vm) mathLibrary() *lua.LTable {
	functions := library{
		"atan2":      m.mathTwo(math.Atan2),
		"fmod":       m.mathTwo(math.Mod),
		"mod":        m.mathTwo(math.Mod),
		"pow":        m.mathTwo(math.Pow),
		"frexp":      m.mathFrexp,
		"ldexp":      m.mathLdexp,
		"max":        m.mathMax,
		"min":        m.mathMin,
		"modf":       m.mathModf,
		"random":     m.mathRandom,
		"randomseed": m.mathRandomseed,
	}
	for name, fn := range map[string]func(float64) float64{
		"abs": math.Abs, "acos": math.Acos, "asin": math.Asin, "atan": math.Atan, "ceil": math.Ceil,
		"cos": math.Cos, "cosh": math.Cosh, "exp": math.Exp, "floor": math.Floor, "log": math.Log,
		"log10": math.Log10, "sin": math.Sin, "sinh": math.Sinh, "sqrt": math.Sqrt, "tan": math.Tan,
		"tanh": math.Tanh,
		"deg":  func(x float64) float64 { return x / (math.Pi / 180) },
		"rad":  func(x float64) float64 { return x * (math.Pi / 180) },
	} {
		functions[name] = m.mathOne(fn)
	}
	t := m.table(functions)
	t.RawSetString("pi", lua.LNumber(math.Pi))
	t.RawSetString("huge", lua.LNumber(math.Inf(1)))
	return t
}

func (m *vm) mathOne(fn func(float64) float64) lua.LGFunction {
	return func(L *lua.LState) int {
		L.Push(lua.LNumber(fn(m.checkNumber(L, 1))))
		return 1
	}
}

func (m *vm) mathTwo(fn func(a, b float64) float64) lua.LGFunction {
	return func(L *lua.LState) int {
		a := m.checkNumber(L, 1)
		L.Push(lua.LNumber(fn(a, m.checkNumber(L, 2))))
		return 1
	}
}

func (m *vm) mathFrexp(L *lua.LState) int {
	f, e := math.Frexp(m.checkNumber(L, 1))
	L.Push(lua.LNumber(f))
	L.Push(lua.LNumber(e))
	return 2
}

func (m *vm) mathLdexp(L *lua.LState) int {
	f := m.checkNumber(L, 1)
	e := max(min(m.checkInt(L, 2), 4096), -4096)
	L.Push(lua.LNumber(math.Ldexp(f, e)))
	return 1
}

func (m *vm) mathModf(L *lua.LState) int {
	f := m.checkNumber(L, 1)
	whole := math.Trunc(f)
	frac := f - whole
	if math.IsInf(f, 0) {
		frac = 0
	}
	L.Push(lua.LNumber(whole))
	L.Push(lua.LNumber(math.Copysign(frac, f)))
	return 2
}

func (m *vm) mathMax(L *lua.LState) int {
	top := m.checkNumber(L, 1)
	for i := 2; i <= L.GetTop(); i++ {
		if f := m.checkNumber(L, i); f > top {
			top = f
		}
	}
	L.Push(lua.LNumber(top))
	return 1
}

func (m *vm) mathMin(L *lua.LState) int {
	low := m.checkNumber(L, 1)
	for i := 2; i <= L.GetTop(); i++ {
		if f := m.checkNumber(L, i); f < low {
			low = f
		}
	}
	L.Push(lua.LNumber(low))
	return 1
}

func (m *vm) mathRandom(L *lua.LState) int {
	r := float64(m.random.next()%randRange) / randRange
	switch L.GetTop() {
	case 0:
		L.Push(lua.LNumber(r))
	case 1:
		high := m.checkInt(L, 1)
		if high < 1 {
			m.argError(L, 1, "interval is empty")
		}
		L.Push(lua.LNumber(math.Floor(r*float64(high)) + 1))
	case 2:
		low, high := m.checkInt(L, 1), m.checkInt(L, 2)
		if low > high {
			m.argError(L, 2, "interval is empty")
		}
		L.Push(lua.LNumber(math.Floor(r*float64(high-low+1)) + float64(low)))
	default:
		m.fail(L, 1, "wrong number of arguments")
	}
	return 1
}

func (m *vm) mathRandomseed(L *lua.LState) int {
	m.random = rand48(uint32(m.checkInt(L, 1)))<<16 | randLow
	return 0
}

func (m *vm) bitFunctions() library {
	shift := func(fn func(b uint32, n int) uint32) lua.LGFunction {
		return func(L *lua.LState) int {
			b := m.checkBits(L, 1)
			return pushBits(L, fn(b, int(m.checkBits(L, 2)&31)))
		}
	}
	fold := func(fn func(a, b uint32) uint32) lua.LGFunction {
		return func(L *lua.LState) int {
			b := m.checkBits(L, 1)
			for i := 2; i <= L.GetTop(); i++ {
				b = fn(b, m.checkBits(L, i))
			}
			return pushBits(L, b)
		}
	}
	return library{
		"tobit":   func(L *lua.LState) int { return pushBits(L, m.checkBits(L, 1)) },
		"bnot":    func(L *lua.LState) int { return pushBits(L, ^m.checkBits(L, 1)) },
		"bswap":   func(L *lua.LState) int { return pushBits(L, bits.ReverseBytes32(m.checkBits(L, 1))) },
		"band":    fold(func(a, b uint32) uint32 { return a & b }),
		"bor":     fold(func(a, b uint32) uint32 { return a | b }),
		"bxor":    fold(func(a, b uint32) uint32 { return a ^ b }),
		"lshift":  shift(func(b uint32, n int) uint32 { return b << n }),
		"rshift":  shift(func(b uint32, n int) uint32 { return b >> n }),
		"arshift": shift(func(b uint32, n int) uint32 { return uint32(int32(b) >> n) }),
		"rol":     shift(func(b uint32, n int) uint32 { return bits.RotateLeft32(b, n) }),
		"ror":     shift(func(b uint32, n int) uint32 { return bits.RotateLeft32(b, -n) }),
		"tohex":   m.bitTohex,
	}
}

// checkBits is argument n modulo 2^32, rounded to even as the original does by
// adding a large constant.
func (m *vm) checkBits(L *lua.LState, n int) uint32 {
	f, ok := toNumber(L.Get(n))
	if !ok {
		m.typeError(L, n, "number")
	}
	const magic = 1<<52 + 1<<51
	return uint32(math.Float64bits(f + magic))
}

func pushBits(L *lua.LState, b uint32) int {
	L.Push(lua.LNumber(int32(b)))
	return 1
}

func (m *vm) bitTohex(L *lua.LState) int {
	b, n := m.checkBits(L, 1), int32(8)
	if L.GetTop() >= 2 {
		n = int32(m.checkBits(L, 2))
	}
	digits := "0123456789abcdef"
	if n < 0 {
		n, digits = -n, strings.ToUpper(digits)
	}
	if n < 0 || n > 8 {
		n = 8
	}
	out := make([]byte, n)
	for i := n - 1; i >= 0; i-- {
		out[i] = digits[b&15]
		b >>= 4
	}
	L.Push(lua.LString(out))
	return 1
}
