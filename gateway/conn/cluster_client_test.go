package conn_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// TestClusterClient: a slot-aware client finds its way by what CLUSTER says.
func TestClusterClient(t *testing.T) {
	g := node(t)
	for _, proto := range []int{2, 3} {
		t.Run(fmt.Sprint("RESP", proto), func(t *testing.T) {
			c := redis.NewClusterClient(&redis.ClusterOptions{
				Addrs: []string{g.Addr().String()}, Protocol: proto, ReadOnly: true, MaxRedirects: -1,
			})
			t.Cleanup(func() { c.Close() })
			useClusterClient(t, c)
		})
	}
}

func useClusterClient(t *testing.T, c *redis.ClusterClient) {
	const keys = 100
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.FlushAll(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	name := func(i int) string { return fmt.Sprint("key:", i) }
	for i := range keys {
		if err := c.Set(ctx, name(i), i, time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
	}
	cmds, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range keys {
			p.Get(ctx, name(i))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, cmd := range cmds {
		if got := cmd.(*redis.StringCmd).Val(); got != fmt.Sprint(i) {
			t.Errorf("%s is %q", name(i), got)
		}
	}
	masters := 0
	if err := c.ForEachMaster(ctx, func(ctx context.Context, m *redis.Client) error { masters++; return m.Ping(ctx).Err() }); err != nil || masters != 1 {
		t.Errorf("%d masters, %v", masters, err)
	}
	if n, err := c.DBSize(ctx).Result(); err != nil || n != keys {
		t.Errorf("DBSIZE: %d %v", n, err)
	}
	//lint:ignore SA1019 clients of before 7.0 ask so
	slots, err := c.ClusterSlots(ctx).Result()
	if err != nil || len(slots) != 1 || slots[0].End != 16383 || len(slots[0].Nodes) != 1 {
		t.Errorf("CLUSTER SLOTS: %v %v", slots, err)
	}
	shards, err := c.ClusterShards(ctx).Result()
	if err != nil || len(shards) != 1 || len(shards[0].Slots) != 1 || shards[0].Nodes[0].Health != "online" {
		t.Errorf("CLUSTER SHARDS: %v %v", shards, err)
	}
	if links, err := c.ClusterLinks(ctx).Result(); err != nil || len(links) != 0 {
		t.Errorf("CLUSTER LINKS: %v %v", links, err)
	}
	slot, err := c.ClusterKeySlot(ctx, name(7)).Result()
	if err != nil {
		t.Fatal(err)
	}
	if in, err := c.ClusterGetKeysInSlot(ctx, int(slot), 10).Result(); err != nil || len(in) != 1 || in[0] != name(7) {
		t.Errorf("CLUSTER GETKEYSINSLOT %d: %v %v", slot, in, err)
	}
}
