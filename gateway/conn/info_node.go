package conn

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/troupedb/troupe/gateway/collector"
	"github.com/troupedb/troupe/gateway/session"
)

// Versions that INFO and HELLO name: of the Redis that clients are to take the node
// for, and of Troupe.
const (
	redisVersion  = "7.0.15"
	troupeVersion = "0.1.0"
)

// ticksPerSecond is how often shards look for work by themselves.
const ticksPerSecond = 10

func serverSection(w *report) {
	now, up := time.Now(), int64(w.srv.Uptime()/time.Second)
	executable, err := os.Executable()
	if err != nil {
		executable = "" // as Redis shows it where the system does not tell
	}
	w.fields(
		"redis_version", redisVersion, "redis_git_sha1", "00000000", "redis_git_dirty", 0, "redis_build_id", 0,
		"redis_mode", "standalone",
		"troupe_version", troupeVersion, "troupe_shards", len(w.srv.Env.Shards),
		"troupe_recovered_panics", recoveredPanics(w.srv),
		"os", runtime.GOOS+" "+runtime.GOARCH, "arch_bits", strconv.IntSize,
		"go_version", runtime.Version(), "process_id", os.Getpid(), "process_supervised", "no",
		"run_id", w.srv.RunID, "tcp_port", w.srv.Port,
		"server_time_usec", now.UnixMicro(), "uptime_in_seconds", up, "uptime_in_days", up/(24*60*60),
		"hz", ticksPerSecond, "configured_hz", w.srv.Config.Value("hz"),
		"lru_clock", now.Unix()&lruClockMask, "executable", executable, "config_file", "", "io_threads_active", 0,
	)
}

// lruClockMask is the range of Redis's clock of accesses.
const lruClockMask = 1<<24 - 1

// recoveredPanics counts the defects that were met: in shards, by commands outside of
// them, and by control messages.
func recoveredPanics(srv *session.Server) uint64 {
	n := srv.Stats.Recovered.Load() + turnedAway(srv).ControlPanic
	for _, h := range srv.Env.Shards {
		n += h.Lease.Recovered()
	}
	return n
}

func clientsSection(w *report) {
	unread, unsent, subscribed := 0, 0, 0
	clients := w.srv.Clients()
	for _, c := range clients {
		i := c.Info()
		unread, unsent = max(unread, i.Unread), max(unsent, i.Unsent)
		if i.Subs > 0 {
			subscribed++
		}
	}
	w.fields(
		"connected_clients", len(clients), "cluster_connections", 0,
		"maxclients", w.srv.Limits.Load().MaxClients,
		"client_recent_max_input_buffer", unread, "client_recent_max_output_buffer", unsent,
		"blocked_clients", w.srv.Stats.Blocked.Load(), "tracking_clients", 0, "clients_in_timeout_table", 0,
		"pubsub_clients", subscribed,
	)
}

func memorySection(w *report) {
	heap := session.HeapBytes()
	used := heap + w.own.Resident
	rss := residentBytes()
	peak := w.srv.SawMemory(used)
	limit := w.srv.Limits.Load().MaxMemory
	system := systemBytes()
	w.fields(
		"used_memory", used, "used_memory_human", human(used),
		"used_memory_rss", rss, "used_memory_rss_human", human(rss),
		"used_memory_peak", peak, "used_memory_peak_human", human(peak),
		"used_memory_peak_perc", percent(used, peak),
		"used_memory_overhead", used-w.own.Used, "used_memory_dataset", w.own.Used,
		"used_memory_dataset_perc", percent(w.own.Used, used),
		"allocator_allocated", heap+w.own.Used, "allocator_active", used, "allocator_resident", rss,
		"total_system_memory", system, "total_system_memory_human", human(system),
		"maxmemory", limit, "maxmemory_human", human(limit),
		"maxmemory_policy", w.srv.Config.Value("maxmemory-policy"),
		"mem_fragmentation_ratio", ratio(rss, used), "mem_fragmentation_bytes", rss-used,
		"mem_allocator", "go", "active_defrag_running", 0, "lazyfree_pending_objects", w.own.Garbage,
		"troupe_arena_used", w.own.Used, "troupe_arena_resident", w.own.Resident, "troupe_go_heap", heap,
		"troupe_gc_pause_max_us", collector.LongestPause().Microseconds(),
	)
}

func percent(part, whole int64) string {
	return fmt.Sprintf("%.2f%%", 100*float64(part)/float64(max(whole, 1)))
}

func ratio(a, b int64) string { return fmt.Sprintf("%.2f", float64(a)/float64(max(b, 1))) }

// human writes a number of bytes as Redis does: 1.50M.
func human(n int64) string {
	if n < 1<<10 {
		return strconv.FormatInt(n, 10) + "B"
	}
	f, unit := float64(n), 0
	const units = "BKMGTP"
	for f >= 1<<10 && unit < len(units)-1 {
		f, unit = f/(1<<10), unit+1
	}
	return fmt.Sprintf("%.2f%c", f, units[unit])
}

// residentBytes returns what the process has of physical memory, 0 where the
// system does not tell.
func residentBytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	return fieldOf(string(text), 1) * int64(os.Getpagesize())
}

// systemBytes returns the machine's memory, 0 where the system does not tell.
func systemBytes() int64 {
	text, err := os.ReadFile("/proc/meminfo") // begins with "MemTotal: <n> kB"
	if err != nil {
		return 0
	}
	return fieldOf(string(text), 1) << 10
}

func fieldOf(text string, i int) int64 {
	fields := strings.Fields(text)
	if i >= len(fields) {
		return 0
	}
	n, err := strconv.ParseInt(fields[i], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func cpuSection(w *report) {
	system, user := cpuTimes()
	w.fields(
		"used_cpu_sys", seconds(system), "used_cpu_user", seconds(user),
		"used_cpu_sys_children", seconds(0), "used_cpu_user_children", seconds(0),
	)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }
