package drive

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// stopPoll is how often a waiting connection looks whether the round is off.
const stopPoll = 100 * time.Millisecond

// goroutineLoop drives each connection from a goroutine of its own. It works
// wherever package net does, at the price of a scheduler switch a round trip.
type goroutineLoop struct {
	conns []net.Conn
	pipes []*pipe
	mu    sync.Mutex // guards the pipes' shared sources and the histogram
}

func newGoroutineLoop(conns []net.Conn, pipes []*pipe) (loop, error) {
	return &goroutineLoop{conns: conns, pipes: pipes}, nil
}

func (l *goroutineLoop) close() { closeAll(l.conns) }

func (l *goroutineLoop) run(q *quota, stop *atomic.Bool, done *atomic.Int64, h *hdrhistogram.Histogram) error {
	errs := make([]error, len(l.conns))
	var running sync.WaitGroup
	for i := range l.conns {
		running.Go(func() {
			if errs[i] = l.drive(l.conns[i], l.pipes[i], q, stop, done, h); errs[i] != nil {
				stop.Store(true)
			}
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

func (l *goroutineLoop) drive(c net.Conn, p *pipe, q *quota, stop *atomic.Bool, done *atomic.Int64, h *hdrhistogram.Histogram) error {
	buf := make([]byte, readBuffer)
	for !stop.Load() && q.take(p.template.Requests, time.Now()) {
		l.mu.Lock()
		p.begin(time.Now())
		l.mu.Unlock()
		if _, err := c.Write(p.unsent); err != nil {
			return fmt.Errorf("sending requests: %w", err)
		}
		if err := l.await(c, p, buf, stop, done, h); err != nil {
			return err
		}
	}
	return nil
}

// await reads until the pipeline is answered or the round is off.
func (l *goroutineLoop) await(c net.Conn, p *pipe, buf []byte, stop *atomic.Bool, done *atomic.Int64, h *hdrhistogram.Histogram) error {
	quietSince := time.Now()
	for !stop.Load() {
		if err := c.SetReadDeadline(time.Now().Add(stopPoll)); err != nil {
			return fmt.Errorf("setting a deadline: %w", err)
		}
		n, err := c.Read(buf)
		now := time.Now()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if now.Sub(quietSince) > stallTimeout {
				return errQuiet
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("the server closed the connection: %w", err)
		}
		quietSince = now
		l.mu.Lock()
		requests, answered, err := p.received(buf[:n], now, h)
		l.mu.Unlock()
		done.Add(int64(requests))
		if err != nil || answered {
			return err
		}
	}
	return nil
}
