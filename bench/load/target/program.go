package target

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/troupedb/troupe/bench/freeport"
)

const (
	// programStart is how long a server with nothing to load may take to answer.
	programStart = 10 * time.Second
	// programStop is how long it may take to end on SIGTERM with nothing to save.
	// A node of a cluster hands its shards over first.
	programStop = 20 * time.Second
	// programPoll is how often a first answer is looked for.
	programPoll = 20 * time.Millisecond
)

// program is a server process that this one started, with a temporary directory
// of its own.
type program struct {
	what   string // how errors call it
	addr   string // where it serves clients
	bus    string // the port where the others of its cluster reach it
	cmd    *exec.Cmd
	dir    string
	output bytes.Buffer
	ended  chan struct{} // closed once the process has ended; output is whole then
}

// temporary makes a directory for a program.
func temporary() (string, error) {
	dir, err := os.MkdirTemp("", "troupe-bench-")
	if err != nil {
		return "", fmt.Errorf("making a server's directory: %w", err)
	}
	return dir, nil
}

// start starts a server that is to listen at addr. dir is removed by stop.
func start(what, addr, dir, path string, args ...string) (*program, error) {
	p := &program{what: what, addr: addr, dir: dir, ended: make(chan struct{})}
	p.cmd = exec.Command(path, args...)
	p.cmd.Env = environment()
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", path, err), os.RemoveAll(dir))
	}
	go func() {
		defer close(p.ended)
		// The exit status of a server that is told to end says nothing more
		// than its output, which await reports when it ends too early.
		_ = p.cmd.Wait()
	}()
	return p, nil
}

// environment is this process's own without the variables that stand for flags
// of troupe: what a server is told stands on its command line.
func environment() []string {
	var kept []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TROUPE_") {
			kept = append(kept, v)
		}
	}
	return kept
}

// await calls ready until it succeeds, the process ends, or time is up.
func (p *program) await(ctx context.Context, limit time.Duration, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("the %s %s ended at once: %s", p.what, p.cmd.Path, bytes.TrimSpace(p.output.Bytes()))
		case <-ctx.Done():
			return fmt.Errorf("the %s %s was not ready within %v: %w", p.what, p.cmd.Path, limit, err)
		case <-time.After(programPoll):
		}
	}
}

// answers is ready once the process serves connections.
func (p *program) answers(ctx context.Context) error {
	return p.await(ctx, programStart, func(ctx context.Context) error {
		c, err := Endpoint{Addr: p.addr}.control(ctx)
		if err != nil {
			return err
		}
		defer c.conn.Close()
		_, err = c.do("PING")
		return err
	})
}

// commands sends commands of which none may be refused.
func (p *program) commands(ctx context.Context, all [][]string) error {
	c, err := Endpoint{Addr: p.addr}.control(ctx)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	for _, words := range all {
		if _, err := c.do(words...); err != nil {
			return fmt.Errorf("%s at the %s %s: %w", strings.Join(words[:2], " "), p.what, p.addr, err)
		}
	}
	return nil
}

// stop ends the process and removes its directory.
func (p *program) stop() error {
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	select {
	case <-p.ended:
	case <-time.After(programStop):
		err = errors.Join(fmt.Errorf("the %s did not end within %v of SIGTERM and was killed", p.what, programStop), p.cmd.Process.Kill())
		<-p.ended
	}
	return errors.Join(err, os.RemoveAll(p.dir))
}

// stopAll ends the processes, the last one first.
func stopAll(programs []*program) error {
	var errs []error
	for i := len(programs) - 1; i >= 0; i-- {
		errs = append(errs, programs[i].stop())
	}
	return errors.Join(errs...)
}

// freePorts returns so many different ports of the loopback that are free now.
func freePorts(n int) (ports []string, err error) {
	found, err := freeport.Find(n)
	for _, p := range found {
		ports = append(ports, strconv.Itoa(p))
	}
	return ports, err
}

func loopback(port string) string { return net.JoinHostPort("127.0.0.1", port) }
