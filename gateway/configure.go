package gateway

import (
	"os"
	"strconv"
	"strings"

	"github.com/troupedb/troupe/gateway/settings"
	"github.com/troupedb/troupe/shard/engine"
)

// configure makes the node's settings from what it is started with, once its
// address is known, and sees to it that sessions and shards obey changes.
func (g *Gateway) configure(cfg *Config, loops int) error {
	g.Server.Port = g.addr.Port
	store, err := settings.New(map[string]string{
		"bind":                 cfg.Bind,
		"port":                 strconv.Itoa(g.addr.Port),
		"tcp-backlog":          strconv.Itoa(backlog()),
		"io-threads":           strconv.Itoa(loops),
		"maxclients":           strconv.Itoa(cfg.MaxClients),
		"requirepass":          cfg.RequirePass,
		"enable-debug-command": cfg.EnableDebug,
	}, g.apply)
	if err != nil {
		return err
	}
	g.Server.Config = store
	return nil
}

func (g *Gateway) apply(s *settings.Snapshot) {
	g.Server.Limits.Store(s.Limits)
	g.Server.Engine.Store(s.Engine)
	g.Node.Env.Config.Store(s.Engine)
	g.Server.EachShard(func(e *engine.Engine) { e.SetConfig(s.Engine) })
}

// backlog is how many connections may wait to be accepted: Go asks for as many
// as the system allows.
func backlog() int {
	const usual = 128 // what Go takes where the system does not tell
	text, err := os.ReadFile("/proc/sys/net/core/somaxconn")
	if err != nil {
		return usual
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return usual
	}
	return n
}
