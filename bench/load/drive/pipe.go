package drive

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/troupedb/troupe/bench/load/reply"
	"github.com/troupedb/troupe/bench/load/workload"
)

// pipe is one connection's side of the conversation, without the connection:
// which bytes to send next, and what the received bytes mean.
type pipe struct {
	template *workload.Template
	sources  *workload.Sources // shared by the pipes of one loop
	buf      []byte            // this connection's copy of the template
	unsent   []byte            // the part of buf that is still to be written
	counter  reply.Counter
	owed     int // replies outstanding
	sentAt   time.Time
}

func newPipe(t *workload.Template, s *workload.Sources) *pipe {
	return &pipe{template: t, sources: s, buf: bytes.Clone(t.Bytes)}
}

// begin prepares the next pipeline of requests in unsent.
func (p *pipe) begin(now time.Time) {
	p.template.Patch(p.buf, p.sources)
	p.unsent = p.buf
	p.owed = p.template.Replies
	p.sentAt = now
}

// received takes bytes of the server, records the latency of the requests they
// complete in h, and returns how many these are. done tells that the pipeline is
// answered. An error reply is an error.
func (p *pipe) received(b []byte, now time.Time, h *hdrhistogram.Histogram) (requests int, done bool, err error) {
	replies, err := p.counter.Feed(b)
	if err != nil {
		return 0, false, err
	}
	if p.counter.Errors > 0 {
		return 0, false, refusal(p.counter.FirstError)
	}
	if replies > p.owed {
		return 0, false, fmt.Errorf("the server sent %d replies where %d were owed", replies, p.owed)
	}
	per := p.template.Replies / p.template.Requests
	requests = (p.template.Replies-p.owed+replies)/per - (p.template.Replies-p.owed)/per
	p.owed -= replies
	if requests > 0 {
		took := min(now.Sub(p.sentAt), highestLatency)
		if err := h.RecordValues(max(int64(took), 1), int64(requests)); err != nil {
			return 0, false, fmt.Errorf("recording a latency of %v: %w", took, err)
		}
	}
	done = p.owed == 0
	if done && p.counter.Partial() {
		return 0, false, errors.New("the server sent more than was asked for")
	}
	return requests, done, nil
}

// refusal is an error reply as an error that says what to do about it, where
// that is known.
func refusal(text string) error {
	word, _, _ := strings.Cut(text, " ")
	hint := map[string]string{
		"MOVED":     ": its clients must be --slot-aware",
		"CROSSSLOT": ": it takes several keys only with --hash-tags",
	}[word]
	return fmt.Errorf("the server answered %q%s", text, hint)
}

// takeNulls returns the null replies since the last call.
func (p *pipe) takeNulls() int64 {
	n := p.counter.Nulls
	p.counter.Nulls = 0
	return n
}
