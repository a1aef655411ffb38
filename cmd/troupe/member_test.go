package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/gateway"
)

// TestStartupTells: nothing at first, then what is waited for, and every so often that
// it still is.
func TestStartupTells(t *testing.T) {
	var out buffer
	at := time.Unix(1000, 0)
	say := startup(&out, func() time.Time { return at })
	for _, c := range []struct {
		after time.Duration
		what  string
		want  string
	}{
		{0, "a", ""},
		{900 * time.Millisecond, "a", ""},
		{200 * time.Millisecond, "a", "Starting: a\n"},
		{200 * time.Millisecond, "b", ""}, // not in one breath
		{900 * time.Millisecond, "b", "Starting: b\n"},
		{14 * time.Second, "b", ""},
		{2 * time.Second, "b", "Starting, for 16 s now: b\n"},
		{14 * time.Second, "b", ""},
		{1 * time.Second, "b", "Starting, for 31 s now: b\n"},
		{1 * time.Second, "a", "Starting: a\n"},
	} {
		at = at.Add(c.after)
		before := out.String()
		say(c.what)
		if got := strings.TrimPrefix(out.String(), before); got != c.want {
			t.Errorf("after %v, %s: %q, want %q", c.after, c.what, got, c.want)
		}
	}
}

// TestNodeFlags: what does not go together is said before anything is started.
func TestNodeFlags(t *testing.T) {
	for words, want := range map[string]string{
		"--bootstrap-expect 3":                                "give --join, too",
		"--isolated --join 10.0.0.1":                          "leave out --join",
		"--gossip-port 70000":                                 "--gossip-port 70000: a port is a number",
		"--bind 0.0.0.0 --join 10.0.0.1":                      "give --advertise",
		"--bind 10.0.0.1":                                     "need --gossip-key, --tls-cert",
		"--advertise db.example":                              "need --gossip-key, --tls-cert",
		"--gossip-key x!":                                     "--gossip-key: illegal base64",
		"--tls-cert nowhere":                                  "--tls-cert, --tls-key, --tls-ca:",
		"--shards 0":                                          "--shards 0: give a number from 1 to",
		"--port 0 --insecure --advertise 192.0.2.1":           "192.0.2.1 is no address of this machine",
		"--port 0 --join 127.0.0.1 --stream-port " + taken(t): "give another one with --stream-port",
	} {
		if out, err := command(t.Context(), strings.Fields("node "+words)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q\n%s", words, err, want, out)
		}
	}
}

// taken returns a port that somebody listens on.
func taken(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// TestClusterFlagsFromEnvironment: each has a variable.
func TestClusterFlagsFromEnvironment(t *testing.T) {
	cmd := nodeCommand()
	for _, flag := range []string{"cluster", "name", "zone", "dir", "advertise", "gossip-key", "tls-cert", "tls-key", "tls-ca"} {
		t.Setenv(variable(flag), "x-"+flag)
	}
	t.Setenv("TROUPE_JOIN", "a:1,b")
	for _, flag := range []string{"bootstrap-expect", "shards", "gossip-port", "actor-port", "stream-port"} {
		t.Setenv(variable(flag), "77")
	}
	t.Setenv("TROUPE_ISOLATED", "true")
	t.Setenv("TROUPE_INSECURE", "true")
	if err := fromEnvironment(cmd.Flags()); err != nil {
		t.Fatal(err)
	}
	if got := cmd.Flags().Lookup("join").Value.String(); got != "[a:1,b]" {
		t.Errorf("--join is %s", got)
	}
	for flag, want := range map[string]string{
		"cluster": "x-cluster", "tls-ca": "x-tls-ca", "bootstrap-expect": "77", "shards": "77", "stream-port": "77", "isolated": "true",
	} {
		if got := cmd.Flags().Lookup(flag).Value.String(); got != want {
			t.Errorf("--%s is %s", flag, got)
		}
	}
}

// TestNodeHelp: every flag is in a section.
func TestNodeHelp(t *testing.T) {
	out, err := command(t.Context(), "node", "--help")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range append(sections, "--bootstrap-expect n", "TROUPE_GOSSIP_PORT", "Usage:\n  troupe node [flags]") {
		if !strings.Contains(out, text) {
			t.Errorf("%q is not in the help:\n%s", text, out)
		}
	}
	for _, line := range strings.Split(out, "\n") {
		if len([]rune(line)) > 130 {
			t.Errorf("a line is too long to read: %s", line)
		}
	}
}

// TestJoinCanBeStopped: a node that waits for others ends when it is told to.
func TestJoinCanBeStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out buffer
	ended := make(chan error, 1)
	cfg := gateway.DefaultConfig()
	go func() {
		ended <- commandTo(ctx, &out, "node", "--port", "0", "--join", fmt.Sprint(cfg.Bind, ":", taken(t)), "--cluster", t.Name())
	}()
	out.await(t, "Starting: ")
	cancel()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it has ended well, without a cluster")
		}
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
}
