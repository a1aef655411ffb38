package catalog

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/troupedb/troupe/actors/directory"
	troupev1 "github.com/troupedb/troupe/proto/troupe/v1"
)

var rewrite = flag.Bool("rewrite", false, "write the transcripts' outputs anew")

// id returns the identity that a letter stands for.
func id(letter string) string { return strings.Repeat(letter, 40) }

func someone(letter string, incarnation, raft uint64) Member {
	return Member{RaftID: raft, Member: directory.Member{
		ID: id(letter), Name: "node-" + letter, Zone: "z", Host: "h" + letter, ClientPort: 1, GossipPort: 2,
		ActorPort: 3, StreamPort: 4, Incarnation: incarnation,
	}}
}

// play carries a line of a transcript out.
type play struct {
	s     *State
	index uint64
	moves map[int]uint64 // the last that has begun, by shard
}

// args are the words after the command: letters of members, and name=value.
type args struct {
	words  []string
	values map[string]string
}

func parse(line string) (command string, a args) {
	a.values = map[string]string{}
	for i, word := range strings.Fields(line) {
		name, value, ok := strings.Cut(word, "=")
		switch {
		case i == 0:
			command = word
		case ok:
			a.values[name] = value
		default:
			a.words = append(a.words, word)
		}
	}
	return command, a
}

func (a args) number(name string, otherwise uint64) uint64 {
	v, ok := a.values[name]
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func (a args) word(i int) string {
	if i >= len(a.words) {
		return ""
	}
	return a.words[i]
}

// keys reads keys=shard:n,shard:n.
func (a args) keys() (keys []Keys) {
	for pair := range strings.SplitSeq(a.values["keys"], ",") {
		var k Keys
		if n, _ := fmt.Sscanf(pair, "%d:%d", &k.Shard, &k.Keys); n == 2 {
			keys = append(keys, k)
		}
	}
	return keys
}

func (p *play) member(a args) Member {
	letter := a.word(0)
	m := someone(letter, a.number("inc", 1), a.number("raft", uint64(letter[0])))
	if v, ok := a.values["host"]; ok {
		m.Host = v
	}
	if v, ok := a.values["port"]; ok {
		m.ClientPort, _ = strconv.Atoi(v)
	}
	return m
}

func (p *play) entry(command string, a args) *Entry {
	at := int64(a.number("at", 0))
	shard := int(a.number("shard", 0))
	who := p.s.ByID(id(a.word(0)))
	if who == nil {
		who = &Member{Member: directory.Member{ID: id(a.word(0))}}
	}
	judged := *who
	judged.Incarnation = a.number("inc", who.Incarnation)
	judged.turned = a.number("turned", who.turned)
	switch command {
	case "bootstrap":
		return NewBootstrap(id(a.values["id"]), "c", int(a.number("shards", 4)), p.member(a), at)
	case "lead":
		return NewLead(a.number("term", 0))
	case "join":
		return NewJoin(p.member(a), a.keys(), at)
	case "down":
		return NewDown(&judged, a.number("term", p.s.Term()), a.keys(), at)
	case "up":
		return NewUp(&judged, a.number("term", p.s.Term()), at)
	case "leaving":
		return NewLeaving(who.ID, at)
	case "stay":
		return NewStay(who.ID, at)
	case "left":
		return NewLeft(who.ID)
	case "begin":
		return NewMoveBegin(shard, a.number("epoch", 1), who.ID)
	case "commit":
		return NewMoveCommit(shard, a.number("move", p.moves[shard]))
	case "abort":
		return NewMoveAbort(shard, a.number("move", p.moves[shard]))
	case "set":
		return NewSettings(a.words...)
	case "load":
		return NewScriptLoad([]byte(a.word(0)))
	case "flush":
		return NewScriptFlush()
	case "balance":
		return NewBalance(a.word(0) == "off")
	case "nothing":
		return &Entry{}
	}
	panic("no command " + command)
}

func (p *play) run(line string) string {
	command, a := parse(line)
	switch command {
	case "show":
		return show(p.s)
	case "replay":
		return result(p.s.Apply(p.index, NewBalance(true).Encode()))
	case "garbage":
		p.index++
		return result(p.s.Apply(p.index, []byte{0xff, 1, 2}))
	case "forget":
		e, err := p.s.NewForget(id(a.word(0)), a.keys(), int64(a.number("at", 0)))
		if err != nil {
			// The entry itself must be refused for the same reason.
			e = &Entry{Change: &troupev1.CatalogEntry_Forget{Forget: &troupev1.CatalogForget{Id: []byte(id(a.word(0)))}}}
			return err.Error() + "; " + p.apply(e)
		}
		if a.word(1) == "late" { // the plan leaves a shard out
			e.GetForget().Owners = e.GetForget().Owners[1:]
		}
		return p.apply(e)
	}
	return p.apply(p.entry(command, a))
}

func (p *play) apply(e *Entry) string {
	p.index++
	e.Request = p.index
	r := p.s.Apply(p.index, e.Encode())
	if r.Request != p.index {
		return "the request is lost"
	}
	if err := p.s.check(); err != nil {
		return err.Error()
	}
	if r.Move != 0 {
		p.moves[int(e.GetMoveBegin().GetShard())] = r.Move
	}
	return result(r)
}

func result(r Result) string {
	if err := r.Err(); err != nil {
		return err.Error()
	}
	out := fmt.Sprint("same, epoch ", r.Epoch)
	if r.Changed {
		out = fmt.Sprint("epoch ", r.Epoch)
	}
	if r.Number != 0 {
		out += fmt.Sprint(", number ", r.Number)
	}
	if r.Move != 0 {
		out += fmt.Sprint(", move ", r.Move)
	}
	return out
}

func show(s *State) string {
	var b strings.Builder
	fmt.Fprintf(&b, "epoch %d term %d\n", s.Epoch(), s.Term())
	for _, m := range s.Members() {
		fmt.Fprintf(&b, "member %d %s %s since %d inc %d raft %d host %s\n", m.Number, m.ID[:1], m.State, m.Since,
			m.Incarnation, m.RaftID, m.Host)
	}
	for i := range s.Shards() {
		p := s.Place(i)
		fmt.Fprintf(&b, "shard %d owner %d epoch %d", i, p.Owner, p.Epoch)
		if p.To != 0 {
			fmt.Fprintf(&b, " to %d move %d", p.To, p.MoveID)
		}
		if p.LostAt != 0 {
			fmt.Fprintf(&b, " lost %d keys at %d", p.LostKeys, p.LostAt)
		}
		b.WriteByte('\n')
	}
	s.EachSetting(func(name, value string) { fmt.Fprintf(&b, "setting %s %s\n", name, value) })
	s.EachScript(func(sha, body string) { fmt.Fprintf(&b, "script %s %s\n", sha[:8], body) })
	return strings.TrimSuffix(b.String(), "\n")
}

// TestTranscripts runs testdata/*.txt: a command, "----", what it answers.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p := &play{s: New(), moves: map[int]uint64{}}
			var got []string
			for block := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
				command, want, _ := strings.Cut(block, "\n----\n")
				comment := ""
				for strings.HasPrefix(command, "#") {
					line, rest, _ := strings.Cut(command, "\n")
					comment, command = comment+line+"\n", rest
				}
				answer := p.run(strings.TrimSuffix(command, "\n----"))
				if answer != want && !*rewrite {
					t.Errorf("%s\n%s\nwant\n%s", command, answer, want)
				}
				got = append(got, comment+strings.TrimSuffix(command, "\n----")+"\n----\n"+answer)
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(strings.Join(got, "\n\n")+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
