package drive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/troupedb/troupe/bench/load/reply"
	"github.com/troupedb/troupe/bench/load/target"
	"github.com/troupedb/troupe/bench/load/workload"
)

const (
	// steadyTimeout is when a client gives a pipeline up and connects anew.
	steadyTimeout = 10 * time.Second
	// redialAfter is how long a client waits after a failed dial.
	redialAfter = 100 * time.Millisecond
	// steadyBuffer is each client's for replies: there may be thousands.
	steadyBuffer = 16 << 10
)

// steadyClient is one connection of a steady load, and its successors.
type steadyClient struct {
	load     *steady
	number   int
	job      int // index into Jobs
	template *workload.Template
	base     *workload.Sources // any keys
	sources  *workload.Sources // those of the server it is connected to
	routing  *routing          // by which it is connected
	conn     net.Conn          // nil: not connected
	addr     string
	dials    int  // failed ones in a row
	moved    bool // the server said that it is not the owner
	counter  reply.Counter
	buf, in  []byte
	due      time.Time     // of the next pipeline
	interval time.Duration // between pipelines; 0: none
}

func (r *steady) client(number int) *steadyClient {
	n := number % len(r.Jobs)
	job := &r.Jobs[n]
	c := &steadyClient{
		load: r, number: number, job: n,
		template: workload.Compile(job.Workload.Request, r.Jobs[0].Pipeline),
		base:     job.Shape.Sources(job.Skew, uint64(number)+1),
		in:       make([]byte, steadyBuffer),
	}
	c.buf = bytes.Clone(c.template.Bytes)
	if r.Rate > 0 {
		c.interval = time.Duration(float64(r.Jobs[0].Clients*c.template.Requests) / float64(r.Rate) * float64(time.Second))
	}
	return c
}

// run sends pipelines until the load is over.
func (c *steadyClient) run(ctx context.Context) {
	end := c.load.begin.Add(c.load.Duration)
	// The clients' turns are spread over the interval.
	c.due = c.load.begin.Add(time.Duration(float64(c.interval) * float64(c.number) / float64(c.load.Jobs[0].Clients)))
	defer func() {
		c.hangUp()
		if c.interval > 0 && ctx.Err() == nil && c.due.Before(end) {
			c.load.unsent(int64(c.template.Requests) * int64((end.Sub(c.due)+c.interval-1)/c.interval))
		}
	}()
	for c.due.Before(end) && time.Now().Before(end) {
		late := true
		if wait := time.Until(c.due); wait > 0 {
			late = false
			if !sleep(ctx, wait) {
				return
			}
		}
		if ctx.Err() != nil || !c.connected(ctx) {
			return
		}
		// A request that the servers kept from being sent in time has waited since
		// it was due; that the driver itself woke late is not theirs to answer for.
		from := time.Now()
		if late && c.interval > 0 {
			from = c.due
		}
		c.pipeline(ctx, from)
		c.due = c.due.Add(c.interval)
		if c.interval == 0 {
			c.due = time.Now()
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// connected makes the connection that the routing wants, again and again. It is
// false when the load is over.
func (c *steadyClient) connected(ctx context.Context) bool {
	for {
		if routing := c.load.routing.Load(); routing != c.routing {
			c.reroute(routing)
		}
		if c.conn != nil {
			return true
		}
		err := c.dial(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		c.dials++
		c.load.failed(1, err)
		began := time.Now()
		if !sleep(ctx, redialAfter) || time.Since(c.load.begin) > c.load.Duration {
			return false
		}
		c.load.refresh(ctx, began)
	}
}

func (c *steadyClient) dial(ctx context.Context) error {
	e := c.endpoint()
	conn, err := e.Dial(ctx)
	if err == nil {
		c.conn, c.addr, c.dials, c.counter = conn, e.Addr, 0, reply.Counter{}
	}
	return err
}

// reroute takes a new answer of CLUSTER SLOTS: the client asks for other keys, and
// connects anew only if its server is not its owner any more.
func (c *steadyClient) reroute(routing *routing) {
	c.routing = routing
	routes := routing.jobs[c.job]
	route := routes.route(c.number / len(c.load.Jobs))
	c.sources = routes.sources(c.base)[route]
	if c.conn != nil && routing.slots != nil && routes.endpoints[route].Addr != c.addr {
		c.hangUp()
	}
}

// endpoint is the client's own, and after failed dials one after the other.
func (c *steadyClient) endpoint() target.Endpoint {
	routes := c.routing.jobs[c.job]
	route := routes.route(c.number / len(c.load.Jobs))
	return routes.endpoints[(route+c.dials)%len(routes.endpoints)]
}

func (c *steadyClient) hangUp() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// pipeline sends one and takes its replies. What goes wrong is counted, and the
// connection, whose state is then unknown, is given up.
func (c *steadyClient) pipeline(ctx context.Context, from time.Time) {
	began := time.Now()
	answered, err := c.roundTrip(ctx, from)
	if c.moved {
		c.moved = false
		c.hangUp()
		c.load.refresh(ctx, began)
	}
	if err == nil {
		return
	}
	lost := c.template.Requests - answered
	addr := c.addr
	c.hangUp()
	if ctx.Err() != nil {
		return // the load was called off, and so was the request
	}
	c.load.failed(int64(lost), fmt.Errorf("%d requests lost at %s: %w", lost, addr, err))
	c.load.refresh(ctx, began)
}

func (c *steadyClient) roundTrip(ctx context.Context, from time.Time) (answered int, err error) {
	conn := c.conn
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := conn.SetDeadline(time.Now().Add(steadyTimeout)); err != nil {
		return 0, err
	}
	c.template.Patch(c.buf, c.sources)
	if _, err := conn.Write(c.buf); err != nil {
		return 0, err
	}
	per := c.template.Replies / c.template.Requests
	for replies := 0; replies < c.template.Replies; {
		n, err := conn.Read(c.in)
		if err != nil {
			return answered, err
		}
		got, err := c.counter.Feed(c.in[:n])
		replies += got
		if err == nil && replies > c.template.Replies {
			err = errors.New("the server sent more replies than were asked for")
		}
		requests := min(replies, c.template.Replies)/per - answered
		answered += requests
		c.count(requests, time.Since(from))
		if err != nil {
			return answered, err
		}
	}
	return answered, nil
}

// count counts requests by what the counter has seen since the last time. The
// errors of one transaction are one.
func (c *steadyClient) count(requests int, took time.Duration) {
	if text := c.counter.FirstError; text != "" {
		c.load.failed(0, fmt.Errorf("%s at %s: %w", c.load.Jobs[c.job].Workload.Name, c.addr, refusal(text)))
		c.moved = c.moved || strings.HasPrefix(text, "MOVED")
		c.counter.FirstError = ""
	}
	if requests == 0 {
		return
	}
	errs, misses := c.counter.Errors, c.counter.Nulls
	if !c.load.Jobs[c.job].Workload.MustHit {
		misses = 0
	}
	c.load.answered(int64(requests), min(errs, int64(requests)), misses, took)
	c.counter.Errors, c.counter.Nulls = 0, 0
}
