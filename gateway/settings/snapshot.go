package settings

import (
	"log/slog"
	"strings"

	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/engine"
)

// Snapshot is the settings as those read them who obey them.
type Snapshot struct {
	Limits *session.Limits
	Engine *engine.Config
	Level  slog.Level // of loglevel
}

// levels are those of loglevel's words, in their order.
var levels = [...]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelInfo, slog.LevelWarn}

func (s *Store) snapshot() *Snapshot {
	return &Snapshot{Limits: s.limits(), Engine: s.engine(), Level: levels[s.number("loglevel")]}
}

func (s *Store) limits() *session.Limits {
	return &session.Limits{
		Password:      s.text("requirepass"),
		MaxClients:    int(s.number("maxclients")),
		MaxBulk:       s.number("proto-max-bulk-len"),
		MaxQuery:      s.number("client-query-buffer-limit"),
		MaxMemory:     s.number("maxmemory"),
		IdleSeconds:   int(s.number("timeout")),
		KeepAlive:     int(s.number("tcp-keepalive")),
		BusyMillis:    s.number("busy-reply-threshold"),
		ProtectedMode: s.on("protected-mode"),
		NeedsReplicas: s.number("min-replicas-to-write") > 0 && s.number("min-replicas-max-lag") > 0,
		Debug:         session.DebugAccess(s.number("enable-debug-command")),
		Output:        readOutputLimits(s.text("client-output-buffer-limit")),
	}
}

func (s *Store) engine() *engine.Config {
	return &engine.Config{
		MaxBulkLen:     s.number("proto-max-bulk-len"),
		HashMaxEntries: int(s.number("hash-max-listpack-entries")),
		HashMaxValue:   int(s.number("hash-max-listpack-value")),
		ListMaxSize:    int(s.number("list-max-listpack-size")),
		SetMaxIntset:   int(s.number("set-max-intset-entries")),
		ZSetMaxEntries: int(s.number("zset-max-listpack-entries")),
		ZSetMaxValue:   int(s.number("zset-max-listpack-value")),
		Notify:         engine.Class(s.number("notify-keyspace-events")),
		LFU:            strings.HasSuffix(s.text("maxmemory-policy"), "-lfu"),
	}
}
