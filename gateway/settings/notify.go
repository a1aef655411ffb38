package settings

import (
	"strings"

	"github.com/troupedb/troupe/shard/engine"
)

// notifyModule is the class of modules, of which there are none: its letter is
// taken and shown, as clients set it.
const notifyModule engine.Class = 1 << 15

// eventClasses are the classes that A stands for, in the order in which CONFIG
// GET shows them; eventTargets are the rest, shown after them.
var eventClasses = []struct {
	letter rune
	class  engine.Class
}{
	{'g', engine.NotifyGeneric}, {'$', engine.NotifyString}, {'l', engine.NotifyList}, {'s', engine.NotifySet},
	{'h', engine.NotifyHash}, {'z', engine.NotifyZSet}, {'x', engine.NotifyExpired}, {'e', engine.NotifyEvicted},
	{'t', engine.NotifyStream}, {'d', notifyModule},
}

var eventTargets = []struct {
	letter rune
	class  engine.Class
}{
	{'K', engine.NotifyKeyspace}, {'E', engine.NotifyKeyevent}, {'m', engine.NotifyMiss},
}

// newKeys is the one class that A leaves out and that stands among its members.
const newKeys = 'n'

// events is notify-keyspace-events.
type events struct{}

func (events) parse(_ value, text string) (value, string) {
	var set engine.Class
	for _, letter := range text {
		class := classOf(letter)
		if class == 0 {
			return value{}, "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."
		}
		set |= class
	}
	return value{eventsText(set), int64(set)}, ""
}

func classOf(letter rune) engine.Class {
	switch letter {
	case 'A':
		return allEvents()
	case newKeys:
		return engine.NotifyNew
	}
	for _, c := range eventClasses {
		if c.letter == letter {
			return c.class
		}
	}
	for _, c := range eventTargets {
		if c.letter == letter {
			return c.class
		}
	}
	return 0
}

func allEvents() (all engine.Class) {
	for _, c := range eventClasses {
		all |= c.class
	}
	return all
}

func eventsText(set engine.Class) string {
	var b strings.Builder
	if all := allEvents(); set&all == all {
		b.WriteByte('A')
	} else {
		for _, c := range eventClasses {
			if set&c.class != 0 {
				b.WriteRune(c.letter)
			}
		}
		if set&engine.NotifyNew != 0 {
			b.WriteRune(newKeys)
		}
	}
	for _, c := range eventTargets {
		if set&c.class != 0 {
			b.WriteRune(c.letter)
		}
	}
	return b.String()
}
