package membership

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// reporter is where serf and memberlist log to. What they say goes to debug, but
// for input that they could not use: that is counted, and an operator hears of it,
// as of refused nodes, once a second at most, whatever and however much comes in.
type reporter struct {
	logger *slog.Logger
	now    func() time.Time
	// bad counts packets and streams that could not be used.
	bad atomic.Uint64

	mu         sync.Mutex
	last       time.Time // of the last warning
	suppressed int       // since
}

// warnEvery is the least time between two warnings.
const warnEvery = time.Second

// badInput are the phrases of memberlist and serf for input they could not use.
// Most of them name the sender, "from=", too; the text in front may quote input.
var badInput = []string{
	"Decrypt packet failed", "missing message type byte", "not supported", "ailed to decode", "ailed to receive",
	"Failed to read remote state", "Received invalid msgType", "invalid checksum", "unexpected double",
	"unacceptable label", "cannot decode label", "label header cannot be empty", "UDP packet too short", "truncated messages",
	"Failed to decompress", "Too many pending", "handler queue full", "protocol version", "Vsn is not present",
	"Error decoding", "bad type prefix", "Remote state is zero bytes", "message of unknown type", "received invalid msgType",
	"Got ping for unexpected node", "Unhandled internal query",
}

// Write implements io.Writer for the libraries' loggers; each call is a line.
func (r *reporter) Write(line []byte) (int, error) {
	n := len(line)
	level, rest := cutLevel(line)
	if level == "ERR" || level == "ERROR" || level == "WARN" {
		text := string(bytes.TrimSpace(rest))
		for _, phrase := range badInput {
			if strings.Contains(text, phrase) {
				r.bad.Add(1)
				r.warn("bad input on the gossip port", plainText(text))
				return n, nil
			}
		}
	}
	if r.logger.Enabled(context.Background(), slog.LevelDebug) {
		r.logger.Debug("serf", "level", level, "text", string(bytes.TrimSpace(rest)))
	}
	return n, nil
}

// cutLevel splits "[ERR] memberlist: text".
func cutLevel(line []byte) (level string, rest []byte) {
	if len(line) == 0 || line[0] != '[' {
		return "", line
	}
	end := bytes.IndexByte(line, ']')
	if end < 0 {
		return "", line
	}
	return string(line[1:end]), line[end+1:]
}

// warn logs unless it did a moment ago.
func (r *reporter) warn(what, detail string) {
	r.mu.Lock()
	now := r.now()
	if !r.last.IsZero() && now.Sub(r.last) < warnEvery {
		r.suppressed++
		r.mu.Unlock()
		return
	}
	suppressed := r.suppressed
	r.last, r.suppressed = now, 0
	r.mu.Unlock()
	const longest = 400 // a detail may quote what came in
	r.logger.Warn(what, "detail", detail[:min(len(detail), longest)], "more_since_last", suppressed)
}

// keyTrouble are memberlist's words for gossip keys that differ, and ours.
var keyTrouble = []struct{ theirs, ours string }{
	{"o installed keys could decrypt", "that node has another gossip key than this one"},
	{"remote state is encrypted and encryption is not configured", "that node has a gossip key, this one has none"},
	{"encryption is configured but remote state is not encrypted", "that node has no gossip key, this one has one"},
}

// plainText puts the libraries' words about keys into ours.
func plainText(text string) string {
	for _, k := range keyTrouble {
		if strings.Contains(text, k.theirs) {
			return k.ours + ": " + text
		}
	}
	return text
}
