package load

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// refreshEvery is often enough to look alive and costs nothing.
const refreshEvery = 250 * time.Millisecond

// progress tells a waiting person what is going on: on a terminal one line that
// is written over, elsewhere a line whenever something is finished.
type progress struct {
	w        io.Writer
	terminal bool
	requests atomic.Int64 // replied so far, by all rounds
}

func newProgress(w io.Writer) *progress {
	return &progress{w: w, terminal: isTerminal(w)}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// lineStart goes to the beginning of the terminal's line and wipes it.
const lineStart = "\r\x1b[K"

// during shows what goes on while work runs, with the rate of replies.
func (p *progress) during(what string, work func() error) error {
	if !p.terminal {
		return work()
	}
	ended, shown := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(shown)
		p.refresh(what, ended)
	}()
	err := work()
	close(ended)
	<-shown
	return err
}

func (p *progress) refresh(what string, ended <-chan struct{}) {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	begin, before := time.Now(), p.requests.Load()
	fmt.Fprintf(p.w, "%s%s", lineStart, what)
	for {
		select {
		case <-ended:
			return
		case now := <-tick.C:
			took := now.Sub(begin).Seconds()
			fmt.Fprintf(p.w, "%s%s  %.1f s", lineStart, what, took)
			if n := p.requests.Load() - before; n > 0 {
				fmt.Fprintf(p.w, "  %d requests  %.0f/s", n, float64(n)/took)
			}
		}
	}
}

// finished notes something that is done. A terminal keeps it only until the
// next line is shown.
func (p *progress) finished(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if p.terminal {
		fmt.Fprintf(p.w, "%s%s", lineStart, line)
		return
	}
	fmt.Fprintln(p.w, line)
}

// clear leaves the terminal's line empty for what follows.
func (p *progress) clear() {
	if p.terminal {
		io.WriteString(p.w, lineStart)
	}
}
