package reply

import (
	"bytes"
	"strings"
)

// Error is the text of an error reply, code first, without '-' or line break.
type Error string

func (e Error) Error() string { return string(e) }

// Is tells whether a reply is this error and nothing else.
func Is(out []byte, e Error) bool {
	return len(out) == len(e)+3 && out[0] == '-' && string(out[1:1+len(e)]) == string(e)
}

// The fixed error texts of Redis 7.0 that more than one command answers with.
const (
	ErrWrongType     Error = "WRONGTYPE Operation against a key holding the wrong kind of value"
	ErrSyntax        Error = "ERR syntax error"
	ErrNotInteger    Error = "ERR value is not an integer or out of range"
	ErrNotFloat      Error = "ERR value is not a valid float"
	ErrOutOfRange    Error = "ERR value is out of range"
	ErrOverflow      Error = "ERR increment or decrement would overflow"
	ErrNoSuchKey     Error = "ERR no such key"
	ErrIndexRange    Error = "ERR index out of range"
	ErrOffsetRange   Error = "ERR offset is out of range"
	ErrStringTooLong Error = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
	ErrNaN           Error = "ERR resulting score is not a number (NaN)"
	ErrNaNOrInfinity Error = "ERR increment would produce NaN or Infinity"
	ErrMinMaxFloat   Error = "ERR min or max is not a float"
	ErrMinMaxLex     Error = "ERR min or max not valid string range item"
	ErrDBIndex       Error = "ERR DB index is out of range"
	ErrSameObject    Error = "ERR source and destination objects are the same"
	ErrInternal      Error = "ERR internal error: the command failed and may have been carried out in part"
	ErrNoAuth        Error = "NOAUTH Authentication required."
	ErrBusyScript    Error = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
	ErrNoScript      Error = "NOSCRIPT No matching script. Please use EVAL."
	ErrExecAbort     Error = "EXECABORT Transaction discarded because of previous errors."
	ErrTimeoutNum    Error = "ERR timeout is not a float or out of range"
	ErrTimeoutNeg    Error = "ERR timeout is negative"
	ErrNumKeys       Error = "ERR numkeys should be greater than 0"
	ErrInvalidCursor Error = "ERR invalid cursor"
	ErrNoSubcommand  Error = "ERR no such subcommand"
)

// maxEcho is how much of a client's word an error text repeats, as in Redis.
const maxEcho = 128

// WrongArity is the answer to a wrong number of arguments; name is the full
// name of the command, a subcommand's as "container|sub".
func WrongArity(name string) Error {
	return Error("ERR wrong number of arguments for '" + name + "' command")
}

// InvalidExpire is the answer to a time to live that cannot be.
func InvalidExpire(name string) Error {
	return Error("ERR invalid expire time in '" + name + "' command")
}

// UnknownCommand echoes the word and the beginnings of its arguments.
func UnknownCommand(args [][]byte) Error {
	var b strings.Builder
	b.WriteString("ERR unknown command '")
	b.WriteString(echo(untilNUL(args[0])))
	b.WriteString("', with args beginning with: ")
	echoed := 0
	for _, arg := range args[1:] {
		if echoed >= maxEcho {
			break
		}
		word := untilNUL(arg)
		if len(word) > maxEcho-echoed {
			word = word[:maxEcho-echoed]
		}
		b.WriteByte('\'')
		b.WriteString(oneLine(word))
		b.WriteString("' ")
		echoed += len(word) + 3
	}
	return Error(b.String())
}

// untilNUL is the part of a word that Redis echoes: up to the first NUL.
func untilNUL(word []byte) []byte {
	if i := bytes.IndexByte(word, 0); i >= 0 {
		return word[:i]
	}
	return word
}

// UnknownSubcommand is the answer of container (lower or upper case as it is
// declared) to a subcommand it does not have.
func UnknownSubcommand(container string, sub []byte) Error {
	return Error("ERR unknown subcommand '" + echo(sub) + "'. Try " + strings.ToUpper(container) + " HELP.")
}

func echo(word []byte) string {
	if len(word) > maxEcho {
		word = word[:maxEcho]
	}
	return oneLine(word)
}

// oneLine keeps a client's bytes from ending the error line early.
func oneLine(word []byte) string {
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(string(word))
}
