package commandtest

import (
	"os"
	"os/exec"
	"testing"

	"github.com/troupedb/troupe/shard/command"
	"pgregory.net/rapid"
)

// TestLiveGetKeys compares GETKEYSANDFLAGS with an installed redis-server on
// arguments that nobody wrote down.
func TestLiveGetKeys(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("TROUPE_REQUIRE_REDIS") == "1" {
			t.Fatal(err)
		}
		t.Skip("no redis-server installed; the transcript stands in for it")
	}
	s := startServer(t)
	table, err := command.NewTable(Rows(t))
	if err != nil {
		t.Fatal(err)
	}
	var withKeys []*command.Info
	for _, info := range table.All() {
		if info.HasKeys() {
			withKeys = append(withKeys, info)
		}
	}
	word := rapid.SampledFrom([]string{
		"streams", "STORE", "StoreDist", "keys", "get", "set", "incrby", "overflow", "limit", "by", "group",
		"count", "block", "noack", "auth", "AUTH2", "", "0", "1", "2", "3", "5", "-1", "+1", " 2", "2x", "01",
		"9223372036854775807", "4294967297", "99999999999999999999999", "k",
	})
	rapid.Check(t, func(rt *rapid.T) {
		info := rapid.SampledFrom(withKeys).Draw(rt, "command")
		words := []string{"COMMAND", "GETKEYSANDFLAGS"}
		if info.Parent != nil {
			words = append(words, info.Parent.Name)
		}
		words = append(words, info.Name)
		words = append(words, rapid.SliceOfN(word, 0, 12).Draw(rt, "args")...)
		want := string(s.raw(words...))
		if got := string(answer(table, 2, words)); got != want {
			rt.Fatalf("%q:\n got  %q\n want %q", words, got, want)
		}
	})
}
