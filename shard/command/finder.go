package command

// keyFinder appends the keys of a command whose specs do not suffice. args hold
// at least the words that the command's arity asks for.
type keyFinder func(args [][]byte, dst []KeyPos) []KeyPos

// keyFinders are for the commands whose specs say so themselves: they are
// unknown, incomplete, or of variable flags. Redis has procedures for the same.
var keyFinders = map[string]keyFinder{
	"sort":     sortKeys,
	"sort_ro":  sortReadKeys,
	"migrate":  migrateKeys,
	"set":      setKeys,
	"bitfield": bitfieldKeys,
}

// sortReadKeys finds the key that is sorted; those of BY and GET come out of its
// elements.
func sortReadKeys(_ [][]byte, dst []KeyPos) []KeyPos {
	return append(dst, KeyPos{1, RO | Access})
}

// sortKeys adds what the last STORE names.
func sortKeys(args [][]byte, dst []KeyPos) []KeyPos {
	dst = sortReadKeys(args, dst)
	store := 0
	for i := 2; i < len(args); i++ {
		switch {
		case sameWord(args[i], "limit"):
			i += 2
		case sameWord(args[i], "get"), sameWord(args[i], "by"):
			i++
		case sameWord(args[i], "store") && i+1 < len(args):
			store = i + 1 // not skipped: Redis reads "STORE STORE x" as x
		}
	}
	if store > 0 {
		dst = append(dst, KeyPos{store, OW | Update})
	}
	return dst
}

// migrateFirstOption is where the options of MIGRATE begin, and migrateKeyArg
// where the key stands; it is empty where KEYS names the keys.
const (
	migrateKeyArg      = 3
	migrateFirstOption = 6
)

func migrateKeys(args [][]byte, dst []KeyPos) []KeyPos {
	first, end := migrateKeyArg, migrateKeyArg+1
	for i := migrateFirstOption; i < len(args); i++ {
		if sameWord(args[i], "keys") {
			if len(args[migrateKeyArg]) > 0 {
				return dst // both forms at once: the handler refuses it
			}
			first, end = i+1, len(args)
			break
		}
		switch {
		case sameWord(args[i], "auth"):
			i++
		case sameWord(args[i], "auth2"):
			i += 2
		}
	}
	for pos := first; pos < end; pos++ {
		dst = append(dst, KeyPos{pos, RW | Access | Delete})
	}
	return dst
}

// setKeys tells SET that reads from SET that does not.
func setKeys(args [][]byte, dst []KeyPos) []KeyPos {
	for _, option := range args[3:] {
		if sameWord(option, "get") {
			return append(dst, KeyPos{1, RW | Access | Update})
		}
	}
	return append(dst, KeyPos{1, OW | Update})
}

// bitfieldKeys tells BITFIELD that only reads from BITFIELD that may write.
func bitfieldKeys(args [][]byte, dst []KeyPos) []KeyPos {
	for i := 2; i < len(args); i++ {
		rest := len(args) - i - 1
		switch {
		case sameWord(args[i], "get") && rest >= 2:
			i += 2
		case sameWord(args[i], "overflow") && rest >= 1:
			i++
		default:
			return append(dst, KeyPos{1, RW | Access | Update})
		}
	}
	return append(dst, KeyPos{1, RO | Access})
}
