package workload

import "strings"

// Key is a key with a number in it.
type Key struct {
	// Space is where the number comes from.
	Space Space

	text []byte
	at   int // of the number's digits
}

// NewKey reads a word with one placeholder. It is false for any other.
func NewKey(word string) (*Key, bool) {
	at := strings.Index(word, "__rand_")
	if at < 0 {
		return nil, false
	}
	space, ok := spaceOf(word[at:])
	return &Key{Space: space, text: []byte(word), at: at}, ok
}

// Of returns the key with that number, until the next call.
func (k *Key) Of(n uint64) []byte {
	putDigits(k.text[k.at:k.at+DigitCount], n)
	return k.text
}
