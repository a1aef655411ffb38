package settings

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/engine"
)

// holder keeps what a Store has applied.
type holder struct {
	last  *Snapshot
	times int
}

func newStore(t *testing.T, start map[string]string) (*Store, *holder) {
	t.Helper()
	h := &holder{}
	s, err := New(start, func(n *Snapshot) { h.last, h.times = n, h.times+1 })
	if err != nil {
		t.Fatal(err)
	}
	return s, h
}

func set(s *Store, words ...string) string {
	args := make([][]byte, len(words))
	for i, w := range words {
		args[i] = []byte(w)
	}
	return string(s.Set(args))
}

func get(s *Store, patterns ...string) string {
	args := make([][]byte, len(patterns))
	for i, p := range patterns {
		args[i] = []byte(p)
	}
	var out []string
	for _, p := range s.Get(args) {
		out = append(out, p.Name+"="+p.Value)
	}
	return strings.Join(out, " ")
}

func TestSetIsAllOrNothing(t *testing.T) {
	s, h := newStore(t, nil)
	applied := h.times
	if err := set(s, "timeout", "7", "maxclients", "0"); err == "" {
		t.Fatal("a pair with a bad value was taken")
	}
	if got := get(s, "timeout", "maxclients"); got != "timeout=0 maxclients=10000" {
		t.Errorf("after a refusal: %s", got)
	}
	if h.times != applied {
		t.Error("a refusal was applied")
	}
	if err := set(s, "timeout", "7", "maxclients", "5"); err != "" {
		t.Fatal(err)
	}
	if h.times != applied+1 || h.last.Limits.IdleSeconds != 7 || h.last.Limits.MaxClients != 5 {
		t.Errorf("applied %d times, last %+v", h.times-applied, h.last.Limits)
	}
}

func TestRefusals(t *testing.T) {
	failed := func(name, why string) string {
		return "ERR CONFIG SET failed (possibly related to argument '" + name + "') - " + why
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"timeout"}, "ERR syntax error"},
		{[]string{"nothing", "1"}, "ERR Unknown option or number of arguments for CONFIG SET - 'nothing'"},
		{[]string{"port\r\n", "1"}, "ERR Unknown option or number of arguments for CONFIG SET - 'port  '"},
		{[]string{"databases", "1"}, failed("databases", "can't set immutable config")},
		{[]string{"databases", "1", "nothing", "1"}, failed("databases", "can't set immutable config")},
		{[]string{"timeout", "1", "TIMEOUT", "2"}, failed("TIMEOUT", "duplicate parameter")},
		{[]string{"timeout", "x"}, failed("timeout", "argument couldn't be parsed into an integer")},
		{[]string{"timeout", "-1"}, failed("timeout", "argument must be between 0 and 2147483647 inclusive")},
		{[]string{"maxmemory", "-1"}, failed("maxmemory", "argument must be a memory value")},
		{[]string{"maxmemory", "9223372036854775808"}, failed("maxmemory", "argument must be a memory value")},
		{[]string{"maxmemory", "9999999999gb"}, failed("maxmemory", "argument must be a memory value")},
		{[]string{"maxmemory", ""}, failed("maxmemory", "argument must be a memory value")},
		{[]string{"protected-mode", "maybe"}, failed("protected-mode", "argument must be 'yes' or 'no'")},
		{[]string{"loglevel", "x"}, failed("loglevel", "argument(s) must be one of the following: debug, verbose, notice, warning")},
		{[]string{"notify-keyspace-events", "KQ"}, failed("notify-keyspace-events", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")},
		{[]string{"appendonly", "yes"}, failed("appendonly", inMemory)},
		{[]string{"save", "900 1"}, failed("save", inMemory)},
		{[]string{"port", "1"}, failed("port", "Unable to listen on this port: "+fixedPort)},
		{[]string{"maxmemory", "1gb", "maxmemory-policy", "allkeys-lru"},
			failed("maxmemory", "this version does not evict keys: above 0 it needs maxmemory-policy noeviction")},
	} {
		s, _ := newStore(t, nil)
		before := get(s, "*")
		if got := set(s, c.args...); got != c.want {
			t.Errorf("CONFIG SET %q: %q, want %q", c.args, got, c.want)
		}
		if after := get(s, "*"); after != before {
			t.Errorf("CONFIG SET %q was refused and changed something", c.args)
		}
	}
}

func TestPresentValueIsAlwaysTaken(t *testing.T) {
	s, _ := newStore(t, map[string]string{"port": "7000"})
	for i := range table {
		p := &table[i]
		if p.immutable {
			continue
		}
		if err := set(s, p.name, s.Value(p.name)); err != "" {
			t.Errorf("%s set to its own value: %s", p.name, err)
		}
	}
}

// A value that a parameter takes must have an effect, or the table says why not.
func TestEveryTakenValueHasAnEffectOrAReason(t *testing.T) {
	for i := range table {
		p := &table[i]
		if p.immutable || p.only != "" || p.kept != "" {
			continue
		}
		s, h := newStore(t, nil)
		before := h.last
		effective := false
		for _, other := range otherValues(p) {
			args := []string{p.name, other}
			if p.name == "min-replicas-max-lag" { // with min-replicas-to-write only
				set(s, "min-replicas-to-write", "1")
				before = h.last
			}
			if err := set(s, args...); err != "" {
				t.Errorf("%s %s: %s", p.name, other, err)
				continue
			}
			effective = effective || !reflect.DeepEqual(before, h.last)
		}
		if !effective {
			t.Errorf("%s is taken, but changes nothing and says no reason", p.name)
		}
	}
}

func otherValues(p *parameter) []string {
	switch k := p.kind.(type) {
	case toggle:
		return []string{map[string]string{"yes": "no", "no": "yes"}[p.start]}
	case integer:
		return []string{fmt.Sprint(max(k.min, 0)), "2000000"}
	case choice:
		return slices.Clone(k)
	case events:
		return []string{"KEA"}
	case outputLimits:
		return []string{"normal 1 2 3"}
	}
	return []string{"another"}
}

func TestGet(t *testing.T) {
	s, _ := newStore(t, nil)
	for _, c := range []struct{ patterns, want string }{
		{"TIMEOUT", "TIMEOUT=0"},
		{"timeout timeout", "timeout=0"},
		{"hash-max-*", "hash-max-listpack-entries=512 hash-max-listpack-value=64 hash-max-ziplist-entries=512 hash-max-ziplist-value=64"},
		{"tim* timeout", "timeout=0"},
		{"lua-time-limit", "lua-time-limit=5000"},
		{"nothing", ""},
		{"[", ""},
	} {
		if got := get(s, strings.Fields(c.patterns)...); got != c.want {
			t.Errorf("CONFIG GET %s: %q, want %q", c.patterns, got, c.want)
		}
	}
}

func TestAliasSetsTheSame(t *testing.T) {
	s, h := newStore(t, nil)
	if err := set(s, "hash-max-ziplist-entries", "3"); err != "" {
		t.Fatal(err)
	}
	if h.last.Engine.HashMaxEntries != 3 || s.Value("hash-max-listpack-entries") != "3" {
		t.Errorf("entries %d, shown %s", h.last.Engine.HashMaxEntries, s.Value("hash-max-listpack-entries"))
	}
}

func TestMemoryValues(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "1b": 1, "1k": 1000, "1KB": 1024, "2m": 2000000, "2mb": 2 << 20, "3G": 3000000000, "3gb": 3 << 30,
	} {
		if n, ok := parseMemory(text); !ok || n != want {
			t.Errorf("%s: %d %v, want %d", text, n, ok, want)
		}
	}
	for _, text := range []string{"", "-1", "b", "1x", "1 kb", "1.5gb", "99999999999999999999"} {
		if n, ok := parseMemory(text); ok {
			t.Errorf("%q was read as %d", text, n)
		}
	}
}

func TestEventFlags(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "KEA": "AKE", "Elg": "glE", "Kg$lshzxetd": "AK", "KEn": "nKE", "AKEm": "AKEm", "ng": "gn", "d": "d",
	} {
		v, refused := events{}.parse(value{}, text)
		if refused != "" || v.text != want {
			t.Errorf("%q: %q %s, want %q", text, v.text, refused, want)
		}
	}
	v, _ := events{}.parse(value{}, "Ex")
	if v.n != int64(engine.NotifyKeyevent|engine.NotifyExpired) {
		t.Errorf("Ex: %b", v.n)
	}
}

func TestOutputLimitsChangeTheirClassOnly(t *testing.T) {
	s, h := newStore(t, nil)
	if err := set(s, "client-output-buffer-limit", "pubsub 1mb 1k 5 replica 0 0 0"); err != "" {
		t.Fatal(err)
	}
	want := "normal 0 0 0 slave 0 0 0 pubsub 1048576 1000 5"
	if got := s.Value("client-output-buffer-limit"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := h.last.Limits.Output[session.ClassPubSub]; got != (session.OutputLimit{Hard: 1 << 20, Soft: 1000, SoftSeconds: 5}) {
		t.Errorf("pubsub: %+v", got)
	}
}

func TestStartValues(t *testing.T) {
	s, h := newStore(t, map[string]string{"requirepass": "secret", "enable-debug-command": "local"})
	if h.last.Limits.Password != "secret" || h.last.Limits.Debug != session.DebugLocal {
		t.Errorf("limits %+v", h.last.Limits)
	}
	if got := s.Value("enable-debug-command"); got != "local" {
		t.Error(got)
	}
	if _, err := New(map[string]string{"maxclients": "0"}, func(*Snapshot) {}); err == nil {
		t.Error("started with maxclients 0")
	}
}

func TestDefaultsAreTheEngines(t *testing.T) {
	_, h := newStore(t, nil)
	if !reflect.DeepEqual(h.last.Engine, engine.DefaultConfig()) {
		t.Errorf("%+v\nwant %+v", h.last.Engine, engine.DefaultConfig())
	}
}

// The settings of one node: its addresses, threads and log, and what it cannot change
// while it runs.
func TestScopes(t *testing.T) {
	var own []string
	for i := range table {
		if table[i].scope == node {
			own = append(own, table[i].name)
		}
	}
	want := []string{"bind", "port", "tcp-backlog", "enable-debug-command", "enable-protected-configs", "enable-module-command",
		"unixsocket", "unixsocketperm", "loglevel", "io-threads", "daemonize"}
	if !slices.Equal(own, want) {
		t.Errorf("%q, want %q", own, want)
	}
}

func TestSplit(t *testing.T) {
	s, h := newStore(t, nil)
	applied := h.times
	words := func(w ...string) (out [][]byte) {
		for _, x := range w {
			out = append(out, []byte(x))
		}
		return out
	}
	wide, own, err := s.Split(words("LOGLEVEL", "debug", "Hash-Max-Ziplist-Entries", "7", "maxmemory", "1mb", "client-output-buffer-limit", "replica 0 0 0"))
	if err != "" || fmt.Sprintf("%s", own) != "[LOGLEVEL debug]" || !slices.Equal(wide, []string{
		"hash-max-listpack-entries", "7", "maxmemory", "1048576",
		"client-output-buffer-limit", "normal 0 0 0 slave 0 0 0 pubsub 33554432 8388608 60",
	}) {
		t.Errorf("%q, %q, %s", wide, own, err)
	}
	for _, wrong := range [][]string{{"timeout"}, {"timeout", "x"}, {"timeout", "1", "loglevel", "x"}, {"maxmemory", "1", "maxmemory-policy", "allkeys-lru"}} {
		if wide, own, err := s.Split(words(wrong...)); err == "" || wide != nil || own != nil {
			t.Errorf("%q: %q, %q", wrong, wide, own)
		}
	}
	if h.times != applied || s.Value("loglevel") != "notice" || s.Value("maxmemory") != "0" {
		t.Error("Split has changed something")
	}
}

func TestAdopt(t *testing.T) {
	s, h := newStore(t, map[string]string{"maxclients": "5"})
	applied := h.times
	all := []string{"maxclients", "7", "timeout", "3", "nothing", "1", "loglevel", "debug", "hz", "99", "databases", "4", "maxmemory", "x"}
	err := s.Adopt(all)
	for _, name := range []string{"nothing", "loglevel", "hz", "databases", "maxmemory"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not tell of %s: %v", name, err)
		}
	}
	if got := get(s, "maxclients", "timeout", "loglevel", "hz", "databases", "maxmemory"); got != "maxclients=7 timeout=3 loglevel=notice hz=10 databases=16 maxmemory=0" {
		t.Error(got)
	}
	if h.times != applied+1 || h.last.Limits.MaxClients != 7 || h.last.Limits.IdleSeconds != 3 {
		t.Errorf("applied %d times, last %+v", h.times-applied, h.last.Limits)
	}
	s.Adopt(all)
	if h.times != applied+1 {
		t.Error("what is so already is applied again")
	}
	// Two nodes may have set what does not go together: all take it alike.
	if err := s.Adopt([]string{"maxmemory", "1", "maxmemory-policy", "allkeys-lru"}); err != nil || h.last.Limits.MaxMemory != 1 {
		t.Errorf("%v, %+v", err, h.last.Limits)
	}
}
