package cluster

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/troupedb/troupe/coordinator/catalog"
)

// What is in a node's memory is gone with its process. The leader knows how much that
// was, unless all nodes end at once: so a node with a directory notes it there, too.
const (
	keysFile = "keys.json"
	// noteEvery is how old a note may be. It is about how much was lost, and not worth
	// a disk's time.
	noteEvery = 3 * time.Second
)

// noteKeys writes down how many keys are in this node's shards, until it stops.
func (c *Cluster) noteKeys() {
	ticker := time.NewTicker(noteEvery)
	defer ticker.Stop()
	var noted []catalog.Keys
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-ticker.C:
		}
		hooks := c.hooks.Load()
		if hooks == nil {
			continue
		}
		keys := []catalog.Keys{}
		for _, l := range hooks.Loads() {
			keys = append(keys, catalog.Keys{Shard: l.Shard, Keys: l.Keys})
		}
		if noted == nil || !slices.Equal(keys, noted) {
			noted = keys
			if err := c.home.writeKeys(keys); err != nil {
				c.o.Logger.Warn("cannot note how many keys there are", "error", err)
			}
		}
	}
}

func (h *home) writeKeys(keys []catalog.Keys) error {
	b, err := json.Marshal(keys)
	if err != nil {
		return err
	}
	name := filepath.Join(h.dir, keysFile)
	if err := os.WriteFile(name+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// readKeys returns what the last process has noted, nothing if that does not read.
func (h *home) readKeys() (keys []catalog.Keys) {
	b, err := os.ReadFile(filepath.Join(h.dir, keysFile))
	if err != nil || json.Unmarshal(b, &keys) != nil || len(keys) > catalog.MaxShards {
		return nil
	}
	return slices.DeleteFunc(keys, func(k catalog.Keys) bool { return k.Shard < 0 || k.Shard >= catalog.MaxShards })
}
