package main

import (
	"context"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/troupedb/troupe/bench/freeport"
)

// portsInARow finds a port that is free, with the ones after it.
func portsInARow(t *testing.T, count int) int {
	t.Helper()
	for range 100 {
		ports, err := freeport.Find(1)
		if err != nil {
			t.Fatal(err)
		}
		if checkPorts(ports[0], count) == nil {
			return ports[0]
		}
	}
	t.Fatal("no free ports in a row")
	return 0
}

func TestDev(t *testing.T) {
	t.Setenv(asProgram, "1")
	port := portsInARow(t, 2)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var out buffer
	ended := make(chan error, 1)
	go func() {
		ended <- commandTo(ctx, &out, "dev", "--nodes", "2", "--port", strconv.Itoa(port), "--shards", "3")
	}()
	out.await(t, "node-1 | Troupe listens on 127.0.0.1:"+strconv.Itoa(port)+" with 3 shards.")
	out.await(t, "node-2 | Troupe listens on 127.0.0.1:"+strconv.Itoa(port+1)+" with 3 shards.")
	out.await(t, "Nodes that run: 2.")
	for i := range 2 {
		text, err := command(ctx, "cluster", "status", "--port", strconv.Itoa(port+i))
		if err != nil || !strings.Contains(text, "127.0.0.1:"+strconv.Itoa(port+i)) {
			t.Errorf("node %d: %v\n%s", i+1, err, text)
		}
	}
	r := &remote{host: "127.0.0.1", port: port + 1}
	defer r.close()
	info, err := r.ask("INFO", "server")
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(regexp.MustCompile(`process_id:(\d+)`).FindStringSubmatch(info)[1])
	if err != nil {
		t.Fatal(err)
	}
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
	out.await(t, "node-2 has ended: signal: killed. The others go on; to start it again:")
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stopped by the user: %v", err)
	}
	out.await(t, "node-1 | Stopped.")
	if _, err := command(context.Background(), "cluster", "status", "--port", strconv.Itoa(port)); err == nil {
		t.Error("a node is left")
	}
}

func TestDevEndsWithItsNodes(t *testing.T) {
	t.Setenv(asProgram, "1")
	port := portsInARow(t, 1)
	out, err := command(context.Background(), "dev", "--nodes", "1", "--port", strconv.Itoa(port), "--shards", "9999")
	if err == nil || !strings.Contains(err.Error(), "node-1 has ended: exit status 1") {
		t.Errorf("%v\n%s", err, out)
	}
	if !strings.Contains(out, "node-1 | troupe: --shards 9999: give a number") {
		t.Errorf("the node's own words are missing:\n%s", out)
	}
}

func TestDevRefuses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	for _, c := range []struct{ words, want string }{
		{"dev --nodes 0", "--nodes 0: give a number from 1 to 32"},
		{"dev --nodes 33", "--nodes 33: give a number from 1 to 32"},
		{"dev --port 65535", "--port 65535: a port is a number from 1 to 65535, and 3 in a row are needed"},
		{"dev --port " + taken, "port " + taken + " is taken: give the first of 3 free ones in a row with --port"},
		{"dev --nodes x", "invalid argument"},
	} {
		if _, err := command(context.Background(), strings.Fields(c.words)...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.words, err, c.want)
		}
	}
}

// TestDevTellsNodes: what a node is told by `troupe dev`, as far as it can be told.
func TestDevTellsNodes(t *testing.T) {
	port := portsInARow(t, 2)
	cmd, node := devCommand(), nodeCommand()
	if err := node.Flags().Parse([]string{"--shards", "8", "--requirepass", "a b"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"gossip-port", "actor-port", "stream-port", "join", "bootstrap-expect", "dir", "name"} {
		if node.Flags().Lookup(name) == nil {
			node.Flags().String(name, "", "")
		}
	}
	d, err := newDev(cmd, node.Flags(), 2, port, "/d")
	if err != nil {
		t.Fatal(err)
	}
	var joins []string
	for i, c := range d.children {
		words := c.cmd.Args
		line := strings.Join(words[1:], " ")
		join := regexp.MustCompile(`--join=(127\.0\.0\.1:\d+,127\.0\.0\.1:\d+) `).FindStringSubmatch(line)
		gossip := regexp.MustCompile(`--gossip-port=(\d+) --actor-port=\d+ --stream-port=\d+ `).FindStringSubmatch(line)
		if join == nil || gossip == nil || !strings.Contains(join[1], ":"+gossip[1]) {
			t.Errorf("%s is told: %s", c.name, line)
			continue
		}
		joins = append(joins, join[1])
		for _, want := range []string{
			"node --port=" + strconv.Itoa(port+i) + " ", "--bootstrap-expect=2 --dir=/d/" + c.name + " --name=" + c.name,
			" --requirepass=a b", " --shards=8",
		} {
			if !strings.Contains(line, want) {
				t.Errorf("%s is not told %s: %s", c.name, want, line)
			}
		}
	}
	if len(joins) != 2 || joins[0] != joins[1] || d.pass != "a b" {
		t.Errorf("joins %v, password %q", joins, d.pass)
	}
}
