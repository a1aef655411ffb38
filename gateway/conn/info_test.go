package conn_test

import (
	"fmt"
	"strings"
	"testing"
)

// info returns a field of INFO.
func (c *client) info(field string) string {
	c.t.Helper()
	for _, line := range strings.Split(c.do("INFO everything"), `\r\n`) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return value
		}
	}
	return ""
}

func (c *client) expectInfo(field, want string) {
	c.t.Helper()
	if got := c.info(field); got != want {
		c.t.Errorf("INFO %s: %q, want %q", field, got, want)
	}
}

func TestInfoKeyspaceIsExact(t *testing.T) {
	c := dial(t, node(t))
	for i := range 50 {
		c.send(fmt.Sprintf("SET k%d v", i))
	}
	c.send("EXPIRE k1 1000")
	c.send("INFO keyspace") // in one pipeline with the writes
	for range 51 {
		c.read()
	}
	if got := c.read(); !strings.Contains(got, "db0:keys=50,expires=1,avg_ttl=") {
		t.Error(got)
	}
	c.expectInfo("rdb_changes_since_last_save", "51")
	c.expect("MULTI", "+OK")
	c.expect("SET more v", "+QUEUED")
	c.expect("INFO keyspace", "+QUEUED")
	c.match("EXEC", "db0:keys=51,")
	c.expect("SELECT 3", "+OK")
	c.expect("SET x v", "+OK")
	c.match("INFO keyspace", `^"# Keyspace\\r\\ndb0:keys=51,expires=1,avg_ttl=\d+\\r\\ndb3:keys=1,expires=0,avg_ttl=0\\r\\n"$`)
}

func TestInfoSections(t *testing.T) {
	c := dial(t, node(t))
	titles := func(args string) string {
		var found []string
		for _, line := range strings.Split(strings.Trim(c.do("INFO "+args), `"`), `\r\n`) {
			if title, ok := strings.CutPrefix(line, "# "); ok {
				found = append(found, title)
			}
		}
		return strings.Join(found, " ")
	}
	const byDefault = "Server Clients Memory Persistence Stats Replication CPU Modules Errorstats Cluster Keyspace"
	const all = "Server Clients Memory Persistence Stats Replication CPU Modules Commandstats Errorstats Latencystats Cluster Keyspace Cluster_totals"
	for args, want := range map[string]string{
		"": byDefault, "default": byDefault, "all": all, "EVERYTHING": all,
		"keyspace server": "Server Keyspace", "default commandstats": strings.Replace(byDefault, "Err", "Commandstats Err", 1), "bogus": "",
	} {
		if got := titles(args); got != want {
			t.Errorf("INFO %s: %s, want %s", args, got, want)
		}
	}
	c.match("INFO server", `redis_version:7.0.15\\r\\n.*troupe_shards:4\\r\\ntroupe_recovered_panics:0\\r\\n.*run_id:[0-9a-f]{40}\\r`)
	c.match("INFO memory", `used_memory:[1-9]\d+\\r\\nused_memory_human:\d+\.\d\d[KMG]\\r`)
	c.match("INFO clients", `connected_clients:1\\r`)
}

func TestInfoCommandAndErrorStats(t *testing.T) {
	c := dial(t, node(t))
	c.expect("CONFIG RESETSTAT", "+OK")
	c.match("INFO commandstats", `^"# Commandstats\\r\\ncmdstat_config\|resetstat:calls=1,usec=\d+,usec_per_call=\d+\.00,rejected_calls=0,failed_calls=0\\r\\n"$`)
	c.do("LPUSH l x")
	c.do("INCR l") // fails
	c.do("INCR")   // is rejected
	c.do("GET l")  // fails
	c.do("BOGUS")
	if got := c.info("cmdstat_incr"); !strings.HasPrefix(got, "calls=1,") || !strings.HasSuffix(got, "rejected_calls=1,failed_calls=1") {
		t.Error(got)
	}
	c.expectInfo("errorstat_WRONGTYPE", "count=2")
	c.expectInfo("errorstat_ERR", "count=2")
	c.expectInfo("total_error_replies", "4")
	c.do("MULTI")
	c.do("GET l")
	c.do("SET k v")
	c.expect("EXEC", "[-WRONGTYPE Operation against a key holding the wrong kind of value +OK]")
	c.expectInfo("errorstat_WRONGTYPE", "count=3")
	if got := c.info("cmdstat_set"); !strings.HasPrefix(got, "calls=1,") {
		t.Error(got)
	}
	if got := c.info("cmdstat_exec"); !strings.HasSuffix(got, "failed_calls=0") {
		t.Error(got)
	}
}

func TestInfoHitsAndMisses(t *testing.T) {
	c := dial(t, node(t))
	c.do("SET k v")
	c.do("GET k")
	c.do("GET k")
	c.do("GET missing")
	c.do("INCR n") // no lookup that counts
	c.expectInfo("keyspace_hits", "2")
	c.expectInfo("keyspace_misses", "1")
	c.expect("CONFIG RESETSTAT", "+OK")
	c.expectInfo("keyspace_hits", "0")
	c.expectInfo("keyspace_misses", "0")
}
