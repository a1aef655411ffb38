package netloop

import (
	"runtime"
	"testing"
)

// drivers are those that the suite is run against.
var drivers = map[string]func(t *testing.T, h Handler) Driver{
	"epoll": func(t *testing.T, h Handler) Driver { return newEpoll(t, h, false) },
	"epoll with processors of its own": func(t *testing.T, h Handler) Driver {
		before := runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + testLoops)
		t.Cleanup(func() { runtime.GOMAXPROCS(before) })
		return newEpoll(t, h, true)
	},
	"portable": func(t *testing.T, h Handler) Driver { return newPortable(t, h) },
}

const testLoops = 2

func newEpoll(t *testing.T, h Handler, ownProcs bool) Driver {
	d, err := New(Options{Loops: testLoops, OwnProcs: ownProcs}, h, keepAlive)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
