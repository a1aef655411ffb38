package script

import (
	"strings"

	"github.com/troupedb/troupe/shard/reply"
)

// Flags are what a script declares of itself in a first line such as
// "#!lua flags=no-writes,allow-oom".
type Flags uint8

// The flags of Redis 7.0. Compat marks a script without a first line of this
// kind: it has no declared flags and runs as scripts did before Redis 7.
const (
	NoWrites Flags = 1 << iota
	AllowOOM
	AllowStale
	NoCluster
	AllowCrossSlotKeys
	Compat
)

var flagNames = [...]struct {
	name string
	flag Flags
}{
	{"no-writes", NoWrites},
	{"allow-oom", AllowOOM},
	{"allow-stale", AllowStale},
	{"no-cluster", NoCluster},
	{"allow-cross-slot-keys", AllowCrossSlotKeys},
}

// ReadShebang reads the flags of a script's text and returns the rest, which
// begins with the line break so that line numbers stay the client's.
func ReadShebang(body string) (flags Flags, rest string, err error) {
	if !strings.HasPrefix(body, "#!") {
		return Compat, body, nil
	}
	line, _, found := strings.Cut(body, "\n")
	if !found {
		return 0, "", reply.Error("ERR Invalid script shebang")
	}
	words := strings.Fields(line)
	if words[0] != "#!lua" {
		return 0, "", reply.Error("ERR Unexpected engine in script shebang: " + words[0])
	}
	for _, word := range words[1:] {
		list, ok := strings.CutPrefix(word, "flags=")
		if !ok {
			return 0, "", reply.Error("ERR Unknown lua shebang option: " + word)
		}
		more, err := readFlags(list)
		if err != nil {
			return 0, "", err
		}
		flags |= more
	}
	return flags, body[len(line):], nil
}

func readFlags(list string) (flags Flags, err error) {
	if list == "" {
		return 0, nil
	}
	for _, name := range strings.Split(list, ",") {
		flag := Flags(0)
		for _, f := range flagNames {
			if f.name == name {
				flag = f.flag
			}
		}
		if flag == 0 {
			return 0, reply.Error("ERR Unexpected flag in script shebang: " + name)
		}
		flags |= flag
	}
	return flags, nil
}
