package settings

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/data/glob"
	"github.com/troupedb/troupe/shard/reply"
)

// Store is a node's settings. It is safe for concurrent use.
type Store struct {
	mu     sync.Mutex
	params map[string]*parameter // by name and by alias
	values map[*parameter]value
	names  []string // of params, sorted
	apply  func(*Snapshot)
}

// New returns the settings of a node, with start, which may name any parameter,
// in place of defaults. apply is called with the whole at once and after each
// change, one call at a time.
func New(start map[string]string, apply func(*Snapshot)) (*Store, error) {
	s := &Store{params: map[string]*parameter{}, values: map[*parameter]value{}, apply: apply}
	for i := range table {
		p := &table[i]
		s.params[p.name] = p
		if p.alias != "" {
			s.params[p.alias] = p
		}
		text, given := start[p.name]
		if !given {
			text = p.start
		}
		v, refused := p.kind.parse(value{}, text)
		if refused != "" {
			return nil, &StartError{p.name, text, refused}
		}
		s.values[p] = v
	}
	s.names = slices.Sorted(maps.Keys(s.params))
	apply(s.snapshot())
	return s, nil
}

// StartError tells of a start value that cannot be.
type StartError struct{ Name, Value, Reason string }

func (e *StartError) Error() string { return e.Name + " " + e.Value + ": " + e.Reason }

// Value returns the value of a parameter as CONFIG GET shows it. The name is
// the program's own, so it is there.
func (s *Store) Value(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.params[name]
	if p == nil {
		panic("settings: no parameter " + name)
	}
	return s.values[p].text
}

// Get implements session.Config. A name without wildcards is shown as it was
// asked for.
func (s *Store) Get(patterns [][]byte) []session.ConfigPair {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []session.ConfigPair
	seen := map[string]bool{}
	add := func(shown, name string) {
		if p := s.params[name]; p != nil && !seen[shown] {
			seen[shown] = true
			found = append(found, session.ConfigPair{Name: shown, Value: s.values[p].text})
		}
	}
	for _, pattern := range patterns {
		if !strings.ContainsAny(string(pattern), "[*?") {
			add(string(pattern), strings.ToLower(string(pattern)))
			continue
		}
		for _, name := range s.names {
			if glob.Match(pattern, []byte(name), true) {
				add(name, name)
			}
		}
	}
	return found
}

// Set implements session.Config: all pairs of name and value are taken, or none.
func (s *Store) Set(pairs [][]byte) reply.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, values, err := s.changed(pairs)
	if err != "" {
		return err
	}
	s.values = values
	s.apply(s.snapshot())
	return ""
}

// Split implements session.Config.
func (s *Store) Split(pairs [][]byte) (wide []string, own [][]byte, err reply.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changes, values, err := s.changed(pairs)
	if err != "" {
		return nil, nil, err
	}
	for i, p := range changes {
		if p.scope != cluster {
			own = append(own, pairs[2*i], pairs[2*i+1])
		} else {
			wide = append(wide, p.name, values[p].text)
		}
	}
	return wide, own, ""
}

// Adopt implements session.Config. What the cluster has set goes before what the node
// was started with. Whether values go together was looked at by the
// node that has set them; what two have set at the same time all take alike.
func (s *Store) Adopt(pairs []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var foreign []error
	values := maps.Clone(s.values)
	for i := 0; i+1 < len(pairs); i += 2 {
		p := s.params[pairs[i]]
		if p == nil || p.scope == node || p.immutable {
			foreign = append(foreign, fmt.Errorf("%s is no setting of the cluster in this version", oneLine(pairs[i])))
			continue
		}
		v, refused := p.kind.parse(values[p], pairs[i+1])
		if refused == "" && p.only != "" && v != values[p] {
			refused = p.only
		}
		if refused != "" {
			foreign = append(foreign, fmt.Errorf("%s: %s", p.name, refused))
			continue
		}
		values[p] = v
	}
	if !maps.Equal(values, s.values) {
		s.values = values
		s.apply(s.snapshot())
	}
	return errors.Join(foreign...)
}

// changed returns what the pairs change, in their order, and the values after them.
func (s *Store) changed(pairs [][]byte) ([]*parameter, map[*parameter]value, reply.Error) {
	if len(pairs)%2 != 0 {
		return nil, nil, reply.ErrSyntax
	}
	changes, err := s.find(pairs)
	if err != "" {
		return nil, nil, err
	}
	values := maps.Clone(s.values)
	for i, p := range changes {
		v, refused := p.kind.parse(values[p], string(pairs[2*i+1]))
		if refused == "" && p.only != "" && v != s.values[p] {
			refused = p.only
		}
		if refused != "" {
			return nil, nil, failed(strings.ToLower(string(pairs[2*i])), refused)
		}
		values[p] = v
	}
	if name, refused := s.conflict(values); refused != "" {
		return nil, nil, failed(name, refused)
	}
	return changes, values, ""
}

// find looks up the names of pairs, and refuses those that cannot be set.
func (s *Store) find(pairs [][]byte) ([]*parameter, reply.Error) {
	var found []*parameter
	for i := 0; i < len(pairs); i += 2 {
		name := string(pairs[i])
		p := s.params[strings.ToLower(name)]
		switch {
		case p == nil:
			return nil, reply.Error("ERR Unknown option or number of arguments for CONFIG SET - '" + oneLine(name) + "'")
		case p.immutable:
			return nil, failed(name, "can't set immutable config")
		case slices.Contains(found, p):
			return nil, failed(name, "duplicate parameter")
		}
		found = append(found, p)
	}
	return found, ""
}

// conflict names a value that does not go together with another, and why.
func (s *Store) conflict(values map[*parameter]value) (name, refused string) {
	if values[s.params["maxmemory"]].n > 0 && values[s.params["maxmemory-policy"]].text != noEviction {
		return "maxmemory", "this version does not evict keys: above 0 it needs maxmemory-policy noeviction"
	}
	return "", ""
}

func failed(name, reason string) reply.Error {
	return reply.Error("ERR CONFIG SET failed (possibly related to argument '" + oneLine(name) + "') - " + reason)
}

// oneLine keeps a client's word from ending the error line early.
func oneLine(word string) string {
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(word)
}

func (s *Store) number(name string) int64 { return s.values[s.params[name]].n }
func (s *Store) text(name string) string  { return s.values[s.params[name]].text }
func (s *Store) on(name string) bool      { return s.number(name) != 0 }
