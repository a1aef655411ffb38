package script

import (
	"crypto/sha1"
	"encoding/hex"
	"sync"
	"sync/atomic"

	"github.com/troupedb/troupe/shard/reply"
	lua "github.com/yuin/gopher-lua"
)

// Limits that Options leave at zero.
const (
	// DefaultMemoryLimit is how many bytes one run may hold live.
	DefaultMemoryLimit = 256 << 20
	// DefaultStringLimit is the longest string a script can build: Redis's own
	// bulk limit is twice that, but no run may hold more than its memory limit.
	DefaultStringLimit = 256 << 20
	// DefaultIdle is how many interpreters an Engine keeps for the next run.
	DefaultIdle = 16
	// SHALength is the length of a SHA1 in hexadecimal.
	SHALength = 40
)

// Options configure an Engine. Zero fields take the defaults above.
type Options struct {
	MemoryLimit int    // bytes one run may hold live
	StringLimit int    // bytes of the longest string
	MaxSteps    uint64 // Lua instructions one run may execute; 0 is no limit
	Idle        int    // interpreters kept for reuse
	// Log receives redis.log; level is one of the four Redis log levels (0
	// debug to 3 warning). Nil drops the messages. It is called concurrently.
	Log func(level int, message string)
}

// Engine is a script cache and a pool of interpreters. It may be used from many
// goroutines at once.
type Engine struct {
	opts      Options
	recovered atomic.Uint64

	mu      sync.RWMutex
	flushes uint64
	scripts map[string]*compiled // by SHA1
	bodies  map[string]*compiled // the same by text, which EVAL has at hand
	// last is the script that was found last, in most loads the one of the next
	// call, too; it is set under mu, so that Flush clears it for good.
	last atomic.Pointer[compiled]

	spare  atomic.Pointer[vm] // one of the idle, to be had without a lock
	idleMu sync.Mutex
	idle   []*vm
}

// compiled is one script of the cache; immutable.
type compiled struct {
	sha   string
	body  string
	flags Flags
	proto *lua.FunctionProto
	names varNames
}

// New returns an Engine with an empty cache.
func New(opts Options) *Engine {
	if opts.MemoryLimit <= 0 {
		opts.MemoryLimit = DefaultMemoryLimit
	}
	if opts.StringLimit <= 0 {
		opts.StringLimit = DefaultStringLimit
	}
	opts.StringLimit = min(opts.StringLimit, opts.MemoryLimit)
	if opts.Idle <= 0 {
		opts.Idle = DefaultIdle
	}
	e := &Engine{opts: opts}
	e.Flush()
	return e
}

// Load compiles body, keeps it in the cache, and returns its SHA1. The error is
// a reply.Error that Redis would answer.
func (e *Engine) Load(body []byte) (sha string, err error) {
	c, err := e.load(body)
	if err != nil {
		return "", err
	}
	return c.sha, nil
}

func (e *Engine) load(body []byte) (*compiled, error) {
	if c := e.last.Load(); c != nil && c.body == string(body) {
		return c, nil
	}
	if c := e.lookup(body); c != nil {
		return c, nil
	}
	sum := sha1.Sum(body)
	c, err := compileScript(hex.EncodeToString(sum[:]), string(body))
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.scripts[c.sha], e.bodies[c.body] = c, c
	return c, nil
}

// lookup finds a script by its text.
func (e *Engine) lookup(body []byte) *compiled {
	e.mu.RLock()
	defer e.mu.RUnlock()
	c := e.bodies[string(body)]
	if c != nil {
		e.last.Store(c)
	}
	return c
}

// find finds a script by its SHA1 in any letter case.
func find[text string | []byte](e *Engine, sha text) *compiled {
	var key [SHALength]byte
	if len(sha) != len(key) {
		return nil
	}
	for i := range key {
		key[i] = sha[i]
		if 'A' <= sha[i] && sha[i] <= 'Z' {
			key[i] += 'a' - 'A'
		}
	}
	if c := e.last.Load(); c != nil && c.sha == string(key[:]) {
		return c
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	c := e.scripts[string(key[:])]
	if c != nil {
		e.last.Store(c)
	}
	return c
}

// Exists tells whether a script with this SHA1, in any letter case, is cached.
func (e *Engine) Exists(sha string) bool { return find(e, sha) != nil }

// Script returns what is known of the cached script with this SHA1, in any letter
// case: its text and its flags.
func (e *Engine) Script(sha []byte) (body string, flags Flags, ok bool) {
	c := find(e, sha)
	if c == nil {
		return "", 0, false
	}
	return c.body, c.flags, true
}

// Len is the number of cached scripts.
func (e *Engine) Len() int {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return len(e.scripts)
}

// Flush empties the cache. Running scripts are not disturbed.
func (e *Engine) Flush() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.scripts, e.bodies = make(map[string]*compiled), make(map[string]*compiled)
	e.last.Store(nil)
	e.flushes++
}

// Generation tells how often the cache was emptied.
func (e *Engine) Generation() uint64 {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.flushes
}

// Share takes a script that another cache had while this one was of the given
// generation, and tells whether it has. One that was asked for before a Flush must not
// come back after it.
func (e *Engine) Share(body []byte, generation uint64) bool {
	sum := sha1.Sum(body)
	c, err := compileScript(hex.EncodeToString(sum[:]), string(body))
	if err != nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.flushes != generation {
		return false
	}
	e.scripts[c.sha], e.bodies[c.body] = c, c
	return true
}

// Recovered counts the panics inside the interpreter that were turned into
// error replies. Each is a defect.
func (e *Engine) Recovered() uint64 { return e.recovered.Load() }

// resolve finds or compiles the script of req.
func (e *Engine) resolve(req *Request) (*compiled, error) {
	if req.Body != nil {
		return e.load(req.Body)
	}
	if c := find(e, req.SHA); c != nil {
		return c, nil
	}
	return nil, reply.ErrNoScript
}

func (e *Engine) take() *vm {
	if m := e.spare.Swap(nil); m != nil {
		return m
	}
	e.idleMu.Lock()
	if n := len(e.idle); n > 0 {
		m := e.idle[n-1]
		e.idle[n-1] = nil
		e.idle = e.idle[:n-1]
		e.idleMu.Unlock()
		return m
	}
	e.idleMu.Unlock()
	return newVM(e)
}

// give takes an interpreter back unless its run left it in doubt.
func (e *Engine) give(m *vm) {
	if !m.spoiled {
		if e.spare.CompareAndSwap(nil, m) {
			return
		}
		e.idleMu.Lock()
		if len(e.idle) < e.opts.Idle {
			e.idle = append(e.idle, m)
			e.idleMu.Unlock()
			return
		}
		e.idleMu.Unlock()
	}
	m.L.Close()
}
