package conformance

import (
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/troupedb/troupe/bench/conformance/wire"
)

// show renders a reply for comparison. Error replies are never masked or sorted: their text is the behaviour.
func (s shape) show(v wire.Value) string {
	if v.Kind == wire.Error {
		return hide(s.hide, v).Format()
	}
	v = hide(s.hide, v)
	switch {
	case s.slack > 0:
		return s.showNear(v)
	case s.grep != nil:
		return s.showMatches(v)
	case s.size:
		return showSize(v)
	}
	if s.unordered {
		v = sorted(v, 1)
	}
	if s.pairs {
		v = sorted(v, 2)
	}
	if s.mask {
		v = masked(v)
	}
	return v.Format()
}

func (s shape) showNear(v wire.Value) string {
	n, err := strconv.ParseInt(string(v.Text), 10, 64)
	if err == nil && n <= s.near && n >= s.near-s.slack {
		return fmt.Sprintf("%c~%d", v.Kind, s.near)
	}
	return v.Format()
}

// showMatches lists the distinct matches of the pattern in all strings of v, sorted.
func (s shape) showMatches(v wire.Value) string {
	found := map[string]bool{}
	eachScalar(&v, func(leaf *wire.Value) {
		text := string(leaf.Text)
		if leaf.Kind == wire.Verbatim {
			_, text, _ = strings.Cut(text, ":") // the format, "txt:", is not part of the text
		}
		for _, m := range s.grep.FindAllString(text, -1) {
			found[wire.Quote([]byte(m))] = true
		}
	})
	out := make([]string, 0, len(found)+1)
	for m := range found {
		out = append(out, "  "+m)
	}
	sort.Strings(out)
	return strings.Join(append([]string{string(v.Kind) + "matches"}, out...), "\n")
}

func showSize(v wire.Value) string {
	if v.Nil {
		return v.Format()
	}
	if v.IsAggregate() {
		return fmt.Sprintf("%c of %d", v.Kind, len(v.Elems))
	}
	return fmt.Sprintf("%c of %d bytes", v.Kind, len(v.Text))
}

// sorted orders the children of v in groups of width by their canonical text. A map always goes by pairs; a pair array
// whose elements are arrays of two, as RESP3 makes them for scores, goes by element.
func sorted(v wire.Value, width int) wire.Value {
	if !v.IsAggregate() || v.Nil {
		return v
	}
	switch {
	case v.Kind == wire.Map:
		width = 2
	case len(v.Elems) > 0 && v.Elems[0].IsAggregate():
		width = 1
	}
	type group struct {
		key   string
		elems []wire.Value
	}
	var groups []group
	for i := 0; i < len(v.Elems); i += width {
		elems := v.Elems[i:min(i+width, len(v.Elems))]
		var key strings.Builder
		for _, e := range elems {
			key.WriteString(e.Format())
			key.WriteByte(0)
		}
		groups = append(groups, group{key.String(), elems})
	}
	sort.SliceStable(groups, func(i, j int) bool { return groups[i].key < groups[j].key })
	out := v
	out.Elems = nil
	for _, g := range groups {
		out.Elems = append(out.Elems, g.elems...)
	}
	return out
}

// masked keeps kinds and counts and drops what the scalars hold.
func masked(v wire.Value) wire.Value {
	v = clone(v)
	eachScalar(&v, func(leaf *wire.Value) {
		if !leaf.Nil && leaf.Kind != wire.Null && leaf.Kind != wire.Error {
			leaf.Text = []byte("*")
		}
	})
	return v
}

func hide(re *regexp.Regexp, v wire.Value) wire.Value {
	if re == nil {
		return v
	}
	v = clone(v)
	eachScalar(&v, func(leaf *wire.Value) { leaf.Text = re.ReplaceAll(leaf.Text, []byte("*")) })
	return v
}

func clone(v wire.Value) wire.Value {
	elems := v.Elems
	v.Elems = make([]wire.Value, len(elems))
	for i, e := range elems {
		v.Elems[i] = clone(e)
	}
	return v
}

func eachScalar(v *wire.Value, f func(*wire.Value)) {
	if !v.IsAggregate() || v.Nil {
		f(v)
		return
	}
	for i := range v.Elems {
		eachScalar(&v.Elems[i], f)
	}
}
