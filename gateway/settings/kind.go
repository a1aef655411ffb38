package settings

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/troupedb/troupe/shard/data/num"
)

// value is one parameter's value: as CONFIG GET prints it and, for numbers and
// switches, as a number.
type value struct {
	text string
	n    int64
}

// kind is what a parameter takes. parse is given the present value, as some texts
// change only a part of it, and answers with the reason for a refusal.
type kind interface {
	parse(now value, text string) (v value, refused string)
}

// toggle is yes or no.
type toggle struct{}

func (toggle) parse(_ value, text string) (value, string) {
	switch strings.ToLower(text) {
	case "yes":
		return value{"yes", 1}, ""
	case "no":
		return value{"no", 0}, ""
	}
	return value{}, "argument must be 'yes' or 'no'"
}

// integer is a number within bounds, perhaps with a unit of memory.
type integer struct {
	min, max int64
	memory   bool
}

func (k integer) parse(_ value, text string) (value, string) {
	n, ok := num.ParseInt([]byte(text))
	if k.memory {
		if n, ok = parseMemory(text); !ok {
			return value{}, "argument must be a memory value"
		}
	}
	if !ok {
		return value{}, "argument couldn't be parsed into an integer"
	}
	if n < k.min || n > k.max {
		return value{}, fmt.Sprintf("argument must be between %d and %d inclusive", k.min, k.max)
	}
	return value{strconv.FormatInt(n, 10), n}, ""
}

// choice is one of some words.
type choice []string

func (k choice) parse(_ value, text string) (value, string) {
	word := strings.ToLower(text)
	at := slices.Index(k, word)
	if at < 0 {
		return value{}, "argument(s) must be one of the following: " + strings.Join(k, ", ")
	}
	return value{word, int64(at)}, ""
}

// words is any text.
type words struct{}

func (words) parse(_ value, text string) (value, string) { return value{text: text}, "" }

// memoryUnits are what a memory value may end with, in lower case.
var memoryUnits = map[string]int64{
	"": 1, "b": 1,
	"k": 1000, "kb": 1 << 10,
	"m": 1000 * 1000, "mb": 1 << 20,
	"g": 1000 * 1000 * 1000, "gb": 1 << 30,
}

// parseMemory reads a number of bytes such as 64mb.
func parseMemory(text string) (n int64, ok bool) {
	digits := 0
	for digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
		digits++
	}
	unit, known := memoryUnits[strings.ToLower(text[digits:])]
	if digits == 0 || !known {
		return 0, false
	}
	n, err := strconv.ParseInt(text[:digits], 10, 64)
	if err != nil || n > (1<<63-1)/unit {
		return 0, false
	}
	return n * unit, true
}
