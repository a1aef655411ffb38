package pubsub

import (
	"encoding/binary"
	"errors"

	"github.com/troupedb/troupe/actors/directory"
)

var errMalformed = errors.New("malformed message of publish/subscribe")

// interest is how many listen to a topic on another node.
type interest struct {
	node  directory.Number
	count uint32
	round uint64 // of the list that had it last, or that was last when it changed
}

// topicKey names a topic.
type topicKey struct {
	kind kind
	name string
}

// list is one message of interests, of which there may be more to come.
type list struct {
	flags       byte
	incarnation uint64 // of the sender's process
	serial      uint64 // of the message
	entries     []byte
}

// What a list is.
const (
	listFirst byte = 1 << iota // what was known before is out of date once the last part is there
	listWhole                  // a part of all that there is, not of what has changed
	listLast                   // nothing is missing now
	listWant                   // the sender knows nothing of the receiver's listeners
	listEnd
)

func (l *list) append(dst []byte) []byte {
	dst = append(dst, l.flags)
	dst = binary.AppendUvarint(dst, l.incarnation)
	dst = binary.AppendUvarint(dst, l.serial)
	return append(dst, l.entries...)
}

func parseList(b []byte) (l list, err error) {
	if len(b) == 0 || b[0] >= listEnd {
		return list{}, errMalformed
	}
	l.flags, b = b[0], b[1:]
	ok := true
	l.incarnation, b, ok = takeUint(b, ok)
	l.serial, b, ok = takeUint(b, ok)
	l.entries = b
	if ok {
		ok = l.each(func(kind, []byte, uint32) {}) // so that it is taken as a whole or not
	}
	if !ok {
		return list{}, errMalformed
	}
	return l, nil
}

// appendEntry adds how many listen to a topic, 0: nobody any more.
func appendEntry(dst []byte, key topicKey, count uint32) []byte {
	dst = binary.AppendUvarint(append(dst, byte(key.kind)), uint64(count))
	return append(binary.AppendUvarint(dst, uint64(len(key.name))), key.name...)
}

// each calls f with each entry. It is false if they are malformed.
func (l *list) each(f func(k kind, name []byte, count uint32)) bool {
	for b := l.entries; len(b) > 0; {
		k, ok := kind(b[0]), true
		var count, size uint64
		count, b, ok = takeUint(b[1:], ok)
		size, b, ok = takeUint(b, ok)
		if !ok || k >= kinds || count > 1<<32-1 || size > uint64(len(b)) {
			return false
		}
		f(k, b[:size], uint32(count))
		b = b[size:]
	}
	return true
}

func takeUint(b []byte, ok bool) (uint64, []byte, bool) {
	if !ok {
		return 0, nil, false
	}
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}

// appendMessage makes a message for another node.
func appendMessage(dst []byte, k kind, name, message []byte) []byte {
	dst = binary.AppendUvarint(append(dst, byte(k)), uint64(len(name)))
	return append(append(dst, name...), message...)
}

func parseMessage(b []byte) (k kind, name, message []byte, err error) {
	if len(b) == 0 || kind(b[0]) != channel && kind(b[0]) != shardChannel {
		return 0, nil, nil, errMalformed
	}
	size, rest, ok := takeUint(b[1:], true)
	if !ok || size > uint64(len(rest)) {
		return 0, nil, nil, errMalformed
	}
	return kind(b[0]), rest[:size], rest[size:], nil
}
