package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/troupedb/troupe/bench/load"
)

// parsePeers parses a command line as bench does, up to its peers.
func parsePeers(line string) ([]string, error) {
	cfg := load.DefaultConfig()
	f := pflag.NewFlagSet("bench", pflag.ContinueOnError)
	peerFlags(f, &cfg)
	f.Int("port", 6379, "")
	if err := f.Parse(strings.Fields(line)); err != nil {
		return nil, err
	}
	err := peerArgs(f, &cfg, f.Args())
	return cfg.Peers, err
}

func TestPeersAreNamedInEveryWay(t *testing.T) {
	for line, want := range map[string][]string{
		"":                                    nil,
		"--peer":                              {"redis"},
		"--port 7 --peer":                     {"redis"},
		"--peer --port 7":                     {"redis"},
		"--peer cluster":                      {"cluster"},
		"--peer cluster --port 7":             {"cluster"},
		"--port 7 --peer redis,cluster":       {"redis", "cluster"},
		"--peer=cluster":                      {"cluster"},
		"--peer=redis,cluster --port 7":       {"redis", "cluster"},
		"--peer=true":                         {"redis"},
		"--peer=false":                        nil,
		"--peer --peer-server /no/such/redis": {"redis"},
	} {
		if got, err := parsePeers(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", line, got, err)
		}
	}
	for _, line := range []string{"cluster", "--peer=redis cluster frob", "--peer redis cluster", "--peer=cluster redis", "--port 7 frob"} {
		if got, err := parsePeers(line); err == nil {
			t.Errorf("%q was taken as %q", line, got)
		}
	}
}

func TestBenchTargetIsOneOfThree(t *testing.T) {
	cfg := load.DefaultConfig()
	if err := benchTarget(&cfg, nil, "h:1"); err != nil || !slices.Equal(cfg.Addrs, []string{"h:1"}) {
		t.Errorf("%q %v", cfg.Addrs, err)
	}
	if err := benchTarget(&cfg, []string{"a:1", "b:2"}, "h:1"); err != nil || !slices.Equal(cfg.Addrs, []string{"a:1", "b:2"}) {
		t.Errorf("%q %v", cfg.Addrs, err)
	}
	cfg.TargetNodes = 3
	if err := benchTarget(&cfg, []string{"a:1"}, "h:1"); err == nil {
		t.Error("both started and named")
	}
	if err := benchTarget(&cfg, nil, "h:1"); err != nil || cfg.Addrs != nil || cfg.Launch.Program == "" {
		t.Errorf("%+v %v", cfg, err)
	}
}
