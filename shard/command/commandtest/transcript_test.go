package commandtest

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/command"
)

// questions are asked of redis-server when the transcript is recorded.
func questions() [][]string {
	var all [][]string
	for line := range strings.Lines(questionLines) {
		if words := parseWords(line); len(words) > 0 {
			all = append(all, words)
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(keyQuestions), "\n") {
		words := parseWords(line)
		all = append(all, slices.Concat([]string{"COMMAND", "GETKEYS"}, words),
			slices.Concat([]string{"COMMAND", "GETKEYSANDFLAGS"}, words))
	}
	return all
}

// questionLines ask for forms and errors. None asks for sentences, which are
// ours, or for an order, which redis-server does not keep.
const questionLines = `
COMMAND COUNT
COMMAND INFO get
COMMAND INFO GET nosuch Config|GET config|nosuch a|b|c get|x mset "" |
COMMAND INFO object|encoding sort xreadgroup pfselftest spublish bitop
COMMAND DOCS nosuch
COMMAND LIST FILTERBY ACLCAT hyperloglog x
COMMAND LIST FILTERBY ACLCAT nosuch
COMMAND LIST FILTERBY MODULE nosuch
COMMAND LIST FILTERBY PATTERN GETR*
COMMAND LIST filterby pattern bitfield_??
COMMAND LIST FILTERBY PATTERN memory|usag[e-f]
COMMAND LIST FILTERBY
COMMAND LIST FILTERBY PATTERN
COMMAND LIST FILTERBY NOSUCH x
COMMAND LIST x
COMMAND COUNT x
COMMAND NOSUCH
COMMAND GETKEYS
COMMAND nosuch "a\r\nb"
nosuch
nosuch a "b\r\nc" d
get
GET a b
object
OBJECT encoding
OBJECT NOSUCH a
config|get x
mset
`

// keyQuestions are asked of GETKEYS and GETKEYSANDFLAGS.
const keyQuestions = `
nosuch a
get
get k
get k k
ping
config get x
config nosuch
object encoding k
object
object nosuch k
memory usage k
memory usage k samples 5
mget a b a
mset a 1 b 2
mset a 1 b
mset a
set k v
set k v get
set k v EX 10 GeT
set get get
bitfield k
bitfield k get u8 0
bitfield k overflow wrap get u8 0
bitfield k get u8
bitfield k set u8 0 1
bitfield k incrby u8 0
bitfield k nosuch
bitfield_ro k get u8 0
sort k
sort k by w_* get g_* limit 0 1 desc store d
sort k store a store b
sort k store store d
sort k by store store d
sort k store
sort k limit store store store x
sort_ro k by x_*
migrate h 1 k 0 10
migrate h 1 "" 0 10 copy replace keys a b c
migrate h 1 "" 0 10 auth keys keys a
migrate h 1 "" 0 10 auth2 keys keys keys a
migrate h 1 k 0 10 keys a b
migrate h 1 "" 0 10 keys
migrate h 1 "" 0 10
xread count 2 streams a b 0 0
xread streams a b 0
xread streams a
xread streams
xread block 0 count 1
xread count streams a b c
xreadgroup group g c streams a b > >
xreadgroup group streams streams streams a >
xreadgroup group g c count 1 noack STREAMS a >
eval s 0
eval s 2 a b c
eval s 2 a
eval s -1 a
eval s x a
eval s 2x a b
eval s "+1" a b
eval s " 1" a b
eval s 01 a b
eval s 4294967297 a b
eval s 4294967298 a
eval s 9223372036854775807 a
eval s 9223372036854775808 a
eval s -9223372036854775809 a
eval s 99999999999999999999999999 a
eval s 2147483647 a
eval s "" a
eval_ro s 1 a
evalsha h 1 a
fcall f 1 a
fcall_ro f 1 a
zunion 2 a b
zunion 2 a b weights 1 2
zunion 3 a b
zunion 0 a
zunion -1 a
zunion x a
zunion 1x a
zinter 99999999999 a
zdiff 1 a
zdiff 4294967295 a
zunionstore d 2 a b
zunionstore d 2 a
zunionstore d 0 a
zunionstore d 2z a b
zunionstore d 4294967296 a
zinterstore d 1 a
zdiffstore d 1 a
zintercard 1 a limit 5
sintercard 2 a b
sintercard 5 a b
lmpop 2 a b left
lmpop 2 a left
blmpop 0 1 a left
bzmpop 0 2 a b min
zmpop 1 a min
zmpop nan a min
blpop a b 0
blpop a 0
bzpopmin a b 1
brpoplpush a b 0
blmove a b left right 0
lmove a b left right
rpoplpush a b
smove a b m
copy a b
copy a b db 1
rename a b
bitop and d a b
bitop not d a
sinterstore d a b
pfcount a b
pfmerge d a
pfdebug encoding k
lcs a b
geosearchstore d s
geosearchstore d s frommember m byradius 1 km
georadius k 0 0 1 km
georadius k 0 0 1 km store d
georadius k 0 0 1 km store d storedist e
georadius k 0 0 1 km withdist storedist d
georadius k 0 0 1 km store
georadius k 0 0 1 store d
georadiusbymember k m 1 km store d
georadiusbymember k m 1 km desc store
zrangestore d s 0 -1
watch a b
touch a
xinfo stream k
xinfo stream k full
xgroup create k g $
restore-asking k 0 v
restore k 0 v
ssubscribe a b
spublish c m
pfselftest
cluster keyslot k
getex k ex 1
exec
`

// parseWords splits at spaces; words may be quoted as in Go.
func parseWords(line string) (words []string) {
	for _, word := range strings.Fields(strings.ReplaceAll(line, `" 1"`, `"\x201"`)) {
		if strings.HasPrefix(word, `"`) {
			unquoted, err := strconv.Unquote(word)
			if err != nil {
				panic(err)
			}
			word = unquoted
		}
		words = append(words, word)
	}
	return words
}

// TestTranscript holds that every answer is redis-server's to the byte.
func TestTranscript(t *testing.T) {
	text, err := os.ReadFile(transcript)
	if err != nil {
		t.Fatal(err)
	}
	rows := Rows(t)
	table, err := command.NewTable(rows)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if want := 4 * len(questions()); len(lines) != want {
		t.Fatalf("%d lines, not %d: record anew", len(lines), want)
	}
	for i := 0; i < len(lines); i += 2 {
		proto, question, _ := strings.Cut(lines[i], " ")
		words := parseWords(question)
		want, err := strconv.Unquote(lines[i+1])
		if err != nil {
			t.Fatal(err)
		}
		if got := maskNotes(string(answer(table, proto[0]-'0', words))); got != want {
			t.Errorf("RESP%s %s:\n got  %q\n want %q", proto, question, got, want)
		}
	}
}

// maskNotes cuts out the bulk string that follows each "notes": a sentence.
func maskNotes(s string) string {
	const key = "$5\r\nnotes\r\n"
	parts := strings.Split(s, key)
	for i, part := range parts[1:] {
		length, rest, _ := strings.Cut(strings.TrimPrefix(part, "$"), "\r\n")
		n, err := strconv.Atoi(length)
		if err != nil || n > len(rest) {
			continue
		}
		parts[i+1] = rest[n:]
	}
	return strings.Join(parts, key)
}
