package peer

import (
	"errors"
	"slices"
	"testing"

	"github.com/troupedb/troupe/actors/directory"
)

// What a stream that has broken delivers late is dropped; each loop, and each process,
// counts by itself.
func TestMessagesThatComeTooLate(t *testing.T) {
	const topic Topic = 'T'
	var got []string
	n := &Net{topics: map[Topic]Listener{}, speech: speech{heard: map[directory.Number]*lanes{}}}
	n.Listen(topic, func(_ directory.Number, content []byte, _ func([]byte)) error {
		if got = append(got, string(content)); string(content) == "bad" {
			return errFrame
		}
		return nil
	})
	open := func(incarnation uint64) *serving {
		return &serving{net: n, from: 1, lanes: n.lanesOf(&hello{number: 1, incarnation: incarnation})}
	}
	old, now := open(1), open(1)
	say := func(s *serving, lane, number uint64, what string) error {
		return s.told(&frame{kind: kindTell, id: number<<laneBits | lane, content: append([]byte{byte(topic)}, what...)})
	}
	for _, err := range []error{
		say(old, 1, 1, "a"), say(now, 1, 3, "c"), say(old, 1, 2, "late"), say(old, 1, 3, "twice"),
		say(old, 2, 1, "other"), say(now, 1, 4, "d"), say(open(2), 1, 1, "new"),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	if want := []string{"a", "c", "other", "d", "new"}; !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
	if err := say(now, 1, 9, "bad"); !errors.Is(err, errFrame) {
		t.Errorf("a bad message: %v", err)
	}
	if now.told(&frame{kind: kindTell, id: 99 << laneBits}) == nil || now.told(&frame{kind: kindTell, id: 100 << laneBits, content: []byte{'?'}}) == nil {
		t.Error("messages without a topic, or with an unknown one, are taken")
	}
}
