package conformance

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/bench/conformance/target"
	"github.com/troupedb/troupe/bench/conformance/wire"
)

// clusterTestdata holds the cases whose goldens come from a redis-server in cluster mode. There each database but the
// first, and each command on keys of several slots, is an error, so it is no place for the other cases.
const clusterTestdata = "testdata-cluster"

func clusterFiles(t *testing.T) []*File {
	t.Helper()
	files, err := Load(clusterTestdata)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no case files")
	}
	return files
}

// startRedisCluster runs a cluster of one node, which has all slots.
func startRedisCluster(t *testing.T) string {
	t.Helper()
	addr := target.StartRedis(t, "--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1").Addr
	c, err := wire.Dial(addr, replyLimit)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if v, err := c.Do(replyLimit, "CLUSTER", "ADDSLOTSRANGE", "0", "16383"); err != nil || v.Kind != wire.Simple {
		t.Fatalf("CLUSTER ADDSLOTSRANGE: %s %v", v.Format(), err)
	}
	for end := time.Now().Add(replyLimit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		v, err := c.Do(replyLimit, "CLUSTER", "INFO")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(v.Text), "cluster_state:ok") {
			return addr
		}
	}
	t.Fatal("redis-server's cluster of one does not become ready")
	return ""
}

func TestTargetEqualsClusterGolden(t *testing.T) {
	if *rewrite {
		t.Skip("recording")
	}
	addr := os.Getenv(targetEnv)
	if addr == "" {
		addr = target.Start(t, target.Options{}).Addr
	}
	Run(t, NewPool(addr), clusterFiles(t))
}

func TestClusterGoldenEqualsLiveRedis(t *testing.T) {
	addr := startRedisCluster(t)
	if !*rewrite {
		Run(t, NewPool(addr), clusterFiles(t))
		return
	}
	if err := Record(addr, clusterFiles(t)); err != nil {
		t.Fatal(err)
	}
}
