//go:build !linux

package netloop

import "testing"

// drivers are those that the suite is run against.
var drivers = map[string]func(t *testing.T, h Handler) Driver{
	"portable": func(t *testing.T, h Handler) Driver { return newPortable(t, h) },
}
