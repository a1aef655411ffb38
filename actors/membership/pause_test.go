//go:build unix

package membership

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test's binary be a node of its own, too.
func TestMain(m *testing.M) {
	base, err := strconv.Atoi(os.Getenv("MEMBERSHIP_TEST_BASE"))
	if err != nil {
		os.Exit(m.Run())
	}
	c := Config{Name: "child", BasePort: base, Cluster: "test", ID: id("c"), Incarnation: 1}
	node, err := Start(c)
	if err == nil {
		err = node.Join([]string{fmt.Sprint("127.0.0.1:", base)})
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	time.Sleep(3 * time.Minute) // killed long before
}

// TestPause: a process that stands still for less than half a second is not taken
// for dead, one that stands still for longer is, and is taken back when it goes on.
func TestPause(t *testing.T) {
	base := freeBase(t)
	var fails atomic.Int64
	c := config(t, base, "a")
	c.OnChange = func(list []Member) {
		for _, m := range list {
			if m.Status == Failed {
				fails.Add(1)
			}
		}
	}
	a := start(t, c)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "MEMBERSHIP_TEST_BASE="+strconv.Itoa(base))
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	running := fmt.Sprint("alive 1 at 127.0.0.1:", base+1)
	until(t, a, "child", running)
	begun := time.Now()
	_ = child.Process.Signal(syscall.SIGSTOP)
	time.Sleep(400 * time.Millisecond)
	_ = child.Process.Signal(syscall.SIGCONT)
	took := time.Since(begun)
	time.Sleep(1200 * time.Millisecond) // suspicions made meanwhile come to an end
	if took < 500*time.Millisecond && fails.Load() > 0 {
		t.Errorf("taken for dead after %v", took)
	}
	_ = child.Process.Signal(syscall.SIGSTOP)
	until(t, a, "child", fmt.Sprint("failed 1 at 127.0.0.1:", base+1))
	_ = child.Process.Signal(syscall.SIGCONT)
	until(t, a, "child", running)
}
