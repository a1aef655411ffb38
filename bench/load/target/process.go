package target

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of CPU time in /proc/<pid>/stat: the kernel shows user
// space USER_HZ = 100 on every architecture that Go runs on.
const clockTick = 10 * time.Millisecond

// cpuSample is a process's CPU time at one moment, from two books: threads has
// nanoseconds for every live thread, stat has ticks but also the dead threads.
type cpuSample struct {
	threads map[string]time.Duration
	stat    time.Duration
}

// since returns the CPU time between two samples. The thread book is exact as
// long as no thread has ended in between, else its time is missing.
func (s cpuSample) since(before cpuSample) time.Duration {
	var sum time.Duration
	for id, t := range s.threads {
		sum += t - before.threads[id]
	}
	for id := range before.threads {
		if _, alive := s.threads[id]; !alive {
			return s.stat - before.stat
		}
	}
	if len(s.threads) == 0 {
		return s.stat - before.stat
	}
	return sum
}

// process reads the kernel's books about one process of this machine.
type process struct {
	dir string // /proc/<pid>
}

func (p process) cpu() (cpuSample, error) {
	stat, err := os.ReadFile(filepath.Join(p.dir, "stat"))
	if err != nil {
		return cpuSample{}, fmt.Errorf("reading the server's CPU time: %w", err)
	}
	ticks, err := parseStat(stat)
	if err != nil {
		return cpuSample{}, err
	}
	s := cpuSample{stat: ticks, threads: map[string]time.Duration{}}
	files, err := filepath.Glob(filepath.Join(p.dir, "task", "*", "schedstat"))
	if err != nil {
		return cpuSample{}, fmt.Errorf("listing the server's threads: %w", err)
	}
	for _, f := range files {
		line, err := os.ReadFile(f)
		if errors.Is(err, os.ErrNotExist) {
			continue // a thread that ended since the listing: since() sees it missing
		}
		if err != nil {
			return cpuSample{}, fmt.Errorf("reading a thread's CPU time: %w", err)
		}
		if t, ok := parseSchedstat(line); ok {
			s.threads[filepath.Base(filepath.Dir(f))] = t
		}
	}
	return s, nil
}

// parseStat returns utime+stime of a /proc/<pid>/stat line. The command name in
// parentheses may hold spaces and parentheses, so fields count from the last one.
func parseStat(line []byte) (time.Duration, error) {
	const utime, stime = 11, 12 // counted from the state, which follows the name
	end := bytes.LastIndexByte(line, ')')
	fields := strings.Fields(string(line[end+1:]))
	if end < 0 || len(fields) <= stime {
		return 0, fmt.Errorf("%.60q is not a /proc stat line", line)
	}
	u, errU := strconv.ParseInt(fields[utime], 10, 64)
	s, errS := strconv.ParseInt(fields[stime], 10, 64)
	if err := errors.Join(errU, errS); err != nil {
		return 0, fmt.Errorf("CPU time in /proc stat: %w", err)
	}
	return time.Duration(u+s) * clockTick, nil
}

// parseSchedstat returns the first field, nanoseconds on a CPU.
func parseSchedstat(line []byte) (time.Duration, bool) {
	fields := strings.Fields(string(line))
	if len(fields) < 1 {
		return 0, false
	}
	ns, err := strconv.ParseInt(fields[0], 10, 64)
	return time.Duration(ns), err == nil
}

// Memory is a process's resident memory in bytes.
type Memory struct {
	RSS  int64 // now
	Peak int64 // the highest since the process began; 0 if unknown
}

func (p process) memory() (Memory, error) {
	status, err := os.ReadFile(filepath.Join(p.dir, "status"))
	if err != nil {
		return Memory{}, fmt.Errorf("reading the server's memory: %w", err)
	}
	m := Memory{RSS: statusKiB(status, "VmRSS:") << 10, Peak: statusKiB(status, "VmHWM:") << 10}
	if m.RSS == 0 {
		return m, fmt.Errorf("%s/status has no VmRSS: has the server ended?", p.dir)
	}
	return m, nil
}

func statusKiB(status []byte, name string) int64 {
	for line := range strings.Lines(string(status)) {
		rest, found := strings.CutPrefix(line, name)
		if !found {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			return 0
		}
		return n
	}
	return 0
}

// holdsPort tells whether the process has a socket that listens on the port.
func (p process) holdsPort(port string) bool {
	want, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return false
	}
	inodes := map[string]bool{}
	for _, table := range []string{"net/tcp", "net/tcp6"} {
		text, err := os.ReadFile(filepath.Join(p.dir, table))
		if err != nil {
			continue // no such address family here
		}
		for _, inode := range listeners(string(text), want) {
			inodes["socket:["+inode+"]"] = true
		}
	}
	open, err := filepath.Glob(filepath.Join(p.dir, "fd", "*"))
	if err != nil {
		return false
	}
	for _, fd := range open {
		if link, err := os.Readlink(fd); err == nil && inodes[link] {
			return true
		}
	}
	return false
}

// listeners returns the socket inodes that listen on a port in a /proc/net/tcp table.
func listeners(table string, port uint64) []string {
	const localAddress, state, inode, listen = 1, 3, 9, "0A"
	var found []string
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) <= inode || f[state] != listen {
			continue
		}
		_, hexPort, _ := strings.Cut(f[localAddress], ":")
		if n, err := strconv.ParseUint(hexPort, 16, 16); err == nil && n == port {
			found = append(found, f[inode])
		}
	}
	return found
}

// here tells whether a host name or address is one of this machine's.
func here(host string) bool {
	addrs, err := net.LookupHost(host)
	if err != nil {
		return false
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		ip := net.ParseIP(a)
		if ip.IsLoopback() {
			return true
		}
		for _, o := range own {
			if n, ok := o.(*net.IPNet); ok && n.IP.Equal(ip) {
				return true
			}
		}
	}
	return false
}
