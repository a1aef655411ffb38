package gateway_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// A client that waits for keys of several nodes is served from the one that has become
// ready, whatever the others have become meanwhile.
func TestBlockedPassOverOtherTypes(t *testing.T) {
	_, clients := troupe(t, 3, 16, false)
	ctx := t.Context()
	for name, wait := range map[string]func(ctx context.Context, c *redis.Client, keys ...string) (string, error){
		"BLPOP": func(ctx context.Context, c *redis.Client, keys ...string) (string, error) {
			v, err := c.BLPop(ctx, 20*time.Second, keys...).Result()
			return fmt.Sprint(v), err
		},
		"BLMPOP": func(ctx context.Context, c *redis.Client, keys ...string) (string, error) {
			key, v, err := c.BLMPop(ctx, 20*time.Second, "left", 1, keys...).Result()
			return fmt.Sprint(append([]string{key}, v...)), err
		},
		"BZPOPMIN": func(ctx context.Context, c *redis.Client, keys ...string) (string, error) {
			v, err := c.BZPopMin(ctx, 20*time.Second, keys...).Result()
			if err != nil {
				return "", err
			}
			return fmt.Sprint([]string{v.Key, v.Member.(string)}), err
		},
	} {
		for round := range 5 {
			var keys []string
			for i := range 4 {
				keys = append(keys, fmt.Sprint(name, round, "-", i))
			}
			got := make(chan string)
			go func() {
				v, err := wait(ctx, clients[round%3], keys...)
				got <- fmt.Sprint(v, " ", err)
			}()
			for n := 0; n == 0; time.Sleep(time.Millisecond) {
				n = int(info(t, clients[round%3], "blocked_clients"))
			}
			ready := keys[3]
			if _, err := clients[1].TxPipelined(ctx, func(p redis.Pipeliner) error {
				for _, key := range keys[:3] {
					p.Set(ctx, key, "text", 0)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if name == "BZPOPMIN" {
				clients[2].ZAdd(ctx, ready, redis.Z{Score: 1, Member: "x"})
			} else {
				clients[2].RPush(ctx, ready, "x")
			}
			if v, want := <-got, fmt.Sprintf("[%s x] <nil>", ready); v != want {
				t.Errorf("%s: %s, want %s", name, v, want)
			}
		}
	}
}
