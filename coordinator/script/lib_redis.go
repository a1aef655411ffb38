package script

import (
	"crypto/sha1"
	"encoding/hex"
	"strings"

	"github.com/troupedb/troupe/shard/reply"
	lua "github.com/yuin/gopher-lua"
)

const (
	// Version is the release of Redis whose scripts these are.
	Version    = "7.0.15"
	versionNum = 7<<16 | 0<<8 | 15

	logWarning = 3 // the highest log level
	replAll    = 3 // both replication targets
)

func (m *vm) redisLibrary() *lua.LTable {
	t := m.table(library{
		"call":               m.redisCall,
		"pcall":              m.redisPcall,
		"error_reply":        m.redisErrorReply,
		"status_reply":       m.redisStatusReply,
		"sha1hex":            m.redisSha1hex,
		"log":                m.redisLog,
		"setresp":            m.redisSetresp,
		"set_repl":           m.redisSetRepl,
		"acl_check_cmd":      m.redisCheckACL,
		"replicate_commands": m.redisReplicateCommands,
		"breakpoint":         m.redisBreakpoint,
		"debug":              func(*lua.LState) int { return 0 },
	})
	for name, n := range map[string]int{
		"LOG_DEBUG": 0, "LOG_VERBOSE": 1, "LOG_NOTICE": 2, "LOG_WARNING": logWarning,
		"REPL_NONE": 0, "REPL_AOF": 1, "REPL_SLAVE": 2, "REPL_REPLICA": 2, "REPL_ALL": replAll,
		"REDIS_VERSION_NUM": versionNum,
	} {
		t.RawSetString(name, lua.LNumber(n))
	}
	t.RawSetString("REDIS_VERSION", lua.LString(Version))
	return t
}

// refuse raises an error of the redis library, which is a table.
func (m *vm) refuse(L *lua.LState, text string) { m.raise(L, m.errorTable("ERR "+text)) }

func (m *vm) redisErrorReply(L *lua.LState) int {
	s, ok := L.Get(1).(lua.LString)
	if L.GetTop() != 1 || !ok {
		L.Push(m.errorTable("ERR wrong number or type of arguments"))
		return 1
	}
	L.Push(m.errorTable(redisError(strings.TrimPrefix(string(s), "-"))))
	return 1
}

func (m *vm) redisStatusReply(L *lua.LState) int {
	s, ok := L.Get(1).(lua.LString)
	if L.GetTop() != 1 || !ok {
		L.Push(m.errorTable("ERR wrong number or type of arguments"))
		return 1
	}
	t := m.L.CreateTable(0, 1)
	t.RawSetString("ok", s)
	L.Push(t)
	return 1
}

func (m *vm) redisSha1hex(L *lua.LState) int {
	if L.GetTop() != 1 {
		m.refuse(L, "wrong number of arguments")
	}
	s, _ := toText(L.Get(1))
	sum := sha1.Sum(bytesOf(s))
	L.Push(lua.LString(hex.EncodeToString(sum[:])))
	return 1
}

func (m *vm) redisLog(L *lua.LState) int {
	if L.GetTop() < 2 {
		m.refuse(L, "redis.log() requires two arguments or more.")
	}
	f, ok := toNumber(L.Get(1))
	if !ok {
		m.refuse(L, "First argument must be a number (log level).")
	}
	level := int(truncate(f))
	if level < 0 || level > logWarning {
		m.refuse(L, "Invalid debug level.")
	}
	if m.engine.opts.Log == nil {
		return 0
	}
	var text []byte
	for i := 2; i <= L.GetTop(); i++ {
		if s, ok := toText(L.Get(i)); ok {
			if i > 2 {
				text = append(text, ' ')
			}
			m.reserve(L, len(text)+len(s))
			text = append(text, s...)
		}
	}
	m.engine.opts.Log(level, string(text))
	return 0
}

func (m *vm) redisSetresp(L *lua.LState) int {
	if L.GetTop() != 1 {
		m.refuse(L, "redis.setresp() requires one argument.")
	}
	f, _ := toNumber(L.Get(1))
	switch truncate(f) {
	case reply.RESP2:
		m.resp = reply.RESP2
	case reply.RESP3:
		m.resp = reply.RESP3
	default:
		m.refuse(L, "RESP version must be 2 or 3.")
	}
	return 0
}

// redisSetRepl checks its argument only: what a script writes is always
// replicated.
func (m *vm) redisSetRepl(L *lua.LState) int {
	if L.GetTop() != 1 {
		m.refuse(L, "redis.set_repl() requires two arguments.")
	}
	f, _ := toNumber(L.Get(1))
	if truncate(f)&^replAll != 0 {
		m.refuse(L, "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")
	}
	return 0
}

func (m *vm) redisCheckACL(L *lua.LState) int {
	args, message := m.arguments(L)
	if message != "" {
		m.raise(L, m.errorTable(message))
	}
	known, allowed := false, false
	if checker, ok := m.req.Caller.(ACLChecker); ok {
		known, allowed = checker.CheckACL(args)
	}
	if !known {
		m.refuse(L, "Invalid command passed to redis.acl_check_cmd()")
	}
	L.Push(lua.LBool(allowed))
	return 1
}

func (m *vm) redisReplicateCommands(L *lua.LState) int {
	L.Push(lua.LTrue)
	return 1
}

func (m *vm) redisBreakpoint(L *lua.LState) int {
	L.Push(lua.LFalse)
	return 1
}
