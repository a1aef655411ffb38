package target

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/troupedb/troupe/bench/conformance/wire"
)

func TestModuleRoot(t *testing.T) {
	root, err := ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "bench", "conformance", "target")); err != nil {
		t.Errorf("%s does not hold this package: %v", root, err)
	}
}

func TestRedisStartsAnswersAndStops(t *testing.T) {
	s := StartRedis(t, "--databases", "3")
	c, err := wire.Dial(s.Addr, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if v, err := c.Do(time.Second, "SELECT", "3"); err != nil || v.Kind != wire.Error {
		t.Errorf("SELECT 3 of 3 databases: %v %v", v.Format(), err)
	}
	if err := s.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	select {
	case <-s.Done():
	default:
		t.Error("Stop came back before the process ended")
	}
	if err := s.Stop(); err != nil {
		t.Errorf("a second stop: %v", err)
	}
	if s.Log() == "" {
		t.Error("no log was kept")
	}
}

func TestKilledServerIsDone(t *testing.T) {
	s := StartRedis(t)
	s.Kill()
	if s.Stop() == nil {
		t.Error("a killed server reports a clean end")
	}
}
