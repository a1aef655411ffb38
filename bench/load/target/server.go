package target

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Where a server's CPU time and memory are read from.
const (
	SourceKernel = "kernel" // /proc of this machine
	SourceInfo   = "info"   // the server's own INFO
	SourceNone   = "none"   // neither says anything
)

// Server is a server under load and the books kept about it.
type Server struct {
	Endpoint
	Role    string // "target", or which peer
	Version string // what INFO calls redis_version, with the server's own name where it gives one
	PID     int    // of the process on this machine; 0 when out of reach
	Source  string // one of the Source constants

	control *client
	proc    process
	id      string // INFO's run_id, which is the process's own; "" if it has none
	replica bool   // a copy of another server, which refuses writes
}

// Attach connects to the server at e. A pid of 0 means to find it out.
func Attach(ctx context.Context, role string, e Endpoint, pid int) (*Server, error) {
	control, err := e.control(ctx)
	if err != nil {
		return nil, err
	}
	s := &Server{Endpoint: e, Role: role, control: control}
	if err := s.learn(pid); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close ends the control connection.
func (s *Server) Close() { s.control.conn.Close() }

func (s *Server) learn(pid int) error {
	if _, err := s.control.do("PING"); err != nil {
		return fmt.Errorf("%s does not answer PING: %w", s.Addr, err)
	}
	info, err := s.info()
	if err != nil {
		return err
	}
	s.Version = info["redis_version"]
	if v := info["troupe_version"]; v != "" {
		s.Version = "troupe " + v
	}
	s.id, s.replica = info["run_id"], info["role"] == "slave"
	if pid != 0 {
		return s.use(pid)
	}
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return fmt.Errorf("address %q: %w", s.Addr, err)
	}
	said, err := strconv.Atoi(info["process_id"])
	if err == nil && here(host) && procOf(said).holdsPort(port) {
		return s.use(said)
	}
	s.Source = SourceNone
	if info["used_cpu_user"] != "" {
		s.Source = SourceInfo
	}
	return nil
}

func (s *Server) use(pid int) error {
	p := procOf(pid)
	if _, err := p.cpu(); err != nil {
		return fmt.Errorf("process %d cannot be measured: %w; give the pid of the server on this machine, or leave --target-pid out", pid, err)
	}
	s.PID, s.proc, s.Source = pid, p, SourceKernel
	return nil
}

func procOf(pid int) process {
	return process{dir: filepath.Join("/proc", strconv.Itoa(pid))}
}

// info returns the fields of every INFO section.
func (s *Server) info() (map[string]string, error) {
	text, err := s.control.do("INFO")
	if err != nil {
		return nil, fmt.Errorf("INFO at %s: %w", s.Addr, err)
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields, nil
}

// Keys returns how many keys the server's database 0 holds.
func (s *Server) Keys() (int64, error) {
	text, err := s.control.do("DBSIZE")
	if err != nil {
		return 0, fmt.Errorf("DBSIZE at %s: %w", s.Addr, err)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("DBSIZE at %s: %w", s.Addr, err)
	}
	return n, nil
}

// Flush deletes everything the server holds.
func (s *Server) Flush() error {
	if _, err := s.control.do("FLUSHALL"); err != nil {
		return fmt.Errorf("FLUSHALL at %s: %w", s.Addr, err)
	}
	return nil
}

// Alive makes one round trip on a connection of its own.
func (s *Server) Alive(ctx context.Context) error {
	c, err := s.Endpoint.control(ctx)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	_, err = c.do("PING")
	return err
}

// Meter holds a server's CPU time at one moment.
type Meter struct {
	kernel cpuSample
	info   time.Duration
}

// Meter reads the server's CPU time. Between two readings lies CPU.
func (s *Server) Meter() (Meter, error) {
	switch s.Source {
	case SourceKernel:
		sample, err := s.proc.cpu()
		return Meter{kernel: sample}, err
	case SourceInfo:
		info, err := s.info()
		if err != nil {
			return Meter{}, err
		}
		used, err := infoCPU(info)
		return Meter{info: used}, err
	}
	return Meter{}, nil
}

// CPU returns the server's CPU time, user and system, between two readings. It
// is 0 when the Source is SourceNone.
func (s *Server) CPU(from, to Meter) time.Duration {
	if s.Source == SourceKernel {
		return to.kernel.since(from.kernel)
	}
	return to.info - from.info
}

func infoCPU(info map[string]string) (time.Duration, error) {
	total := 0.0
	for _, field := range []string{"used_cpu_sys", "used_cpu_user"} {
		seconds, err := strconv.ParseFloat(info[field], 64)
		if err != nil {
			return 0, fmt.Errorf("INFO's %s: %w", field, err)
		}
		total += seconds
	}
	return time.Duration(total * float64(time.Second)), nil
}

// Memory returns the server's resident memory, zeros when nothing tells it.
func (s *Server) Memory() (Memory, error) {
	if s.Source == SourceKernel {
		return s.proc.memory()
	}
	info, err := s.info()
	if err != nil {
		return Memory{}, err
	}
	rss, err := strconv.ParseInt(info["used_memory_rss"], 10, 64)
	if err != nil {
		return Memory{}, nil
	}
	return Memory{RSS: rss}, nil
}

// OwnCPU returns the CPU time that this process has used, or 0 where the
// kernel keeps no /proc.
func OwnCPU() time.Duration {
	line, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0
	}
	t, err := parseStat(line)
	if err != nil {
		return 0
	}
	return t
}
