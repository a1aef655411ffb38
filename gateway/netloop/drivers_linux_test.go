package netloop

import "testing"

// drivers are those that the suite is run against.
var drivers = map[string]func(t *testing.T, h Handler) Driver{
	"epoll": func(t *testing.T, h Handler) Driver {
		d, err := New(2, false, h, keepAlive)
		if err != nil {
			t.Fatal(err)
		}
		return d
	},
	"portable": func(t *testing.T, h Handler) Driver { return newPortable(t, h) },
}
