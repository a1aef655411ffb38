package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Waits of `troupe dev`.
const (
	readyWait = 60 * time.Second // for a node's first answer
	joinWait  = 10 * time.Second // for the nodes to be one cluster
	readyPoll = 100 * time.Millisecond
	stopWait  = 15 * time.Second // for nodes that were told to stop
	// hurryAfter is from when on another Ctrl-C is meant as one: some shells and
	// tools send a signal twice.
	hurryAfter = time.Second
)

// dev is a cluster of children.
type dev struct {
	mu       sync.Mutex // of out
	out      io.Writer
	pass     string
	children []*child
	ended    chan *child
}

// child is one node.
type child struct {
	name string
	port int
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended; nil: it was not started
	err  error         // how; valid once done is closed
}

func (d *dev) say(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(d.out, format+"\n", args...)
}

func (d *dev) start(c *child) error {
	if d.ended == nil {
		d.ended = make(chan *child, len(d.children))
	}
	out := &prefixed{d: d, prefix: c.name + " | "}
	c.cmd.Stdout, c.cmd.Stderr = out, out
	if err := c.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", c.name, err)
	}
	c.done = make(chan struct{})
	go func() {
		c.err = c.cmd.Wait()
		out.flush()
		close(c.done)
		d.ended <- c
	}()
	return nil
}

// awaitReady waits until every node answers, and for a while longer until all of
// them are one cluster.
func (d *dev) awaitReady(ctx context.Context) error {
	for _, c := range d.children {
		r := &remote{host: "127.0.0.1", port: c.port, pass: d.pass}
		err := d.await(ctx, readyWait, func() bool {
			_, err := r.ask("PING")
			return err == nil
		})
		r.close()
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	r := &remote{host: "127.0.0.1", port: d.children[0].port, pass: d.pass}
	defer r.close()
	err := d.await(ctx, joinWait, func() bool { return d.joined(r) })
	if errors.Is(err, errLate) {
		d.say("The nodes run, but are not one cluster yet: see `troupe cluster status --port %d`.", d.children[0].port)
		return nil
	}
	return err
}

var errLate = errors.New("no answer in time")

// await looks again and again until ready says yes.
func (d *dev) await(ctx context.Context, limit time.Duration, ready func() bool) error {
	deadline := time.After(limit)
	for !ready() {
		select {
		case <-ctx.Done():
			return errStopped
		case c := <-d.ended:
			return fmt.Errorf("it takes all nodes to begin with, and %s has ended: %w", c.name, c.how())
		case <-deadline:
			return errLate
		case <-time.After(readyPoll):
		}
	}
	return nil
}

// joined tells whether r knows all nodes and each shard is served.
func (d *dev) joined(r *remote) bool {
	st, err := r.status()
	if err != nil || len(st.Nodes) < len(d.children) {
		return false
	}
	for i := range st.Nodes {
		if st.Nodes[i].State != "up" {
			return false
		}
	}
	for i := range st.Shards {
		if !st.Shards[i].Up {
			return false
		}
	}
	return true
}

func (d *dev) greet() {
	var ports []string
	for _, c := range d.children[1:] {
		ports = append(ports, fmt.Sprint(c.port))
	}
	first, auth, pass, others := d.children[0].port, "", "", ""
	if d.pass != "" {
		auth, pass = " -a <password>", " --pass <password>"
	}
	if len(ports) > 0 {
		others = fmt.Sprintf("   (or %s: any node answers for any key)", strings.Join(ports, ", "))
	}
	d.say("\nNodes that run: %d.\n  Connect:  redis-cli -p %d%s%s\n  Watch:    troupe cluster status --watch --port %[2]d%[5]s\n"+
		"  Stop:     Ctrl-C\n", len(d.children), first, auth, others, pass)
}

// supervise stays until the user stops the cluster or no node is left. One that
// ends, perhaps because the user wants to see what happens then, is reported.
func (d *dev) supervise(ctx context.Context) error {
	for left := len(d.children); left > 0; {
		select {
		case <-ctx.Done():
			return nil
		case c := <-d.ended:
			if left--; ctx.Err() != nil {
				return nil
			}
			d.say("%s has ended: %v. The others go on; to start it again:\n  %s", c.name, c.how(), strings.Join(c.cmd.Args, " "))
		}
	}
	return errors.New("all nodes have ended")
}

// how tells how a process has ended.
func (c *child) how() error {
	if c.err == nil {
		return errors.New("it has stopped by itself")
	}
	return c.err
}

// stop tells the children to end and waits for them. Those that take too long, or
// longer than the user likes (another Ctrl-C), are killed.
func (d *dev) stop() {
	over := make(chan struct{})
	for _, c := range d.children {
		if c.done != nil && c.cmd.Process.Signal(syscall.SIGTERM) != nil {
			_ = c.cmd.Process.Kill() // it has ended, or knows no such signal
		}
	}
	go func() {
		defer close(over)
		for _, c := range d.children {
			if c.done != nil {
				<-c.done
			}
		}
	}()
	select {
	case <-over:
		return
	case <-time.After(hurryAfter):
	}
	hurry := make(chan os.Signal, 1)
	signal.Notify(hurry, os.Interrupt)
	defer signal.Stop(hurry)
	select {
	case <-over:
	case <-time.After(stopWait):
	case <-hurry:
	}
	d.kill()
	<-over
}

// kill ends at once what has not ended.
func (d *dev) kill() {
	for _, c := range d.children {
		if c.done == nil {
			continue
		}
		select {
		case <-c.done:
		default:
			d.say("%s does not stop: it is killed.", c.name)
			_ = c.cmd.Process.Kill() // it may have ended meanwhile
		}
	}
}

// maxLine bounds a line that is held back until its end is there.
const maxLine = 16 << 10

// prefixed writes lines with the name of the child that they come from. Wait of
// the child's command ends after its last Write.
type prefixed struct {
	d      *dev
	prefix string
	rest   []byte
}

func (p *prefixed) Write(b []byte) (int, error) {
	p.rest = append(p.rest, b...)
	for {
		i := bytes.IndexByte(p.rest, '\n')
		if i < 0 {
			if len(p.rest) >= maxLine {
				p.flush()
			}
			return len(b), nil
		}
		p.d.say("%s%s", p.prefix, p.rest[:i])
		p.rest = p.rest[i+1:]
	}
}

func (p *prefixed) flush() {
	if len(p.rest) > 0 {
		p.d.say("%s%s", p.prefix, p.rest)
		p.rest = nil
	}
}
