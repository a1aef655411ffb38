package saga

import "testing"

// kills checks what SCRIPT KILL finds and ends.
func (r *Running) kills(t *testing.T, running, killed int) {
	t.Helper()
	if n, k := r.Kill(); n != running || k != killed {
		t.Errorf("%d run and %d were killed, want %d and %d", n, k, running, killed)
	}
}

func TestKillChoosesSlowScripts(t *testing.T) {
	var r Running
	r.kills(t, 0, 0)
	r.Tick(1000, 50)
	a, b, c := r.begin(1, 1000), r.begin(2, 1010), r.begin(3, 1060)
	if slow := r.Tick(1049, 50); len(slow) != 0 || r.Busy() {
		t.Fatalf("slow before the threshold: %v", slow)
	}
	if slow := r.Tick(1060, 50); len(slow) != 2 || slow[0] != (SlowScript{1, 60}) || slow[1] != (SlowScript{2, 50}) || !r.Busy() {
		t.Fatalf("slow at the threshold: %v", slow)
	}
	if slow := r.Tick(1061, 50); len(slow) != 0 {
		t.Errorf("told again of %v", slow)
	}
	if !r.mayWrite(b) {
		t.Error("a script that was not killed may not write")
	}
	r.kills(t, 3, 1)
	if !a.kill.Load() || b.kill.Load() || c.kill.Load() {
		t.Error("not the slow script that has not written was killed")
	}
	if r.mayWrite(a) {
		t.Error("a killed script may write")
	}
	if r.end(a); !r.Busy() {
		t.Error("not busy, but one slow script runs")
	}
	if r.end(b); r.Busy() {
		t.Error("busy with a script that is not slow")
	}
	r.kills(t, 1, 1)
	if !c.kill.Load() {
		t.Error("the only script was not killed")
	}
	r.end(c)
	r.kills(t, 0, 0)
}

// Without slow scripts the oldest is killed, and only that one.
func TestKillWithoutThreshold(t *testing.T) {
	var r Running
	young, old := r.begin(1, 2000), r.begin(2, 1000)
	if slow := r.Tick(1<<40, 0); len(slow) != 0 || r.Busy() {
		t.Fatalf("slow without a threshold: %v", slow)
	}
	r.kills(t, 2, 1)
	if young.kill.Load() || !old.kill.Load() {
		t.Error("not the oldest was killed")
	}
}

// A script that begins long after its call, as the last of a transaction does,
// is not slow at once; and a clock that is set back makes none slow later.
func TestTimeOfScripts(t *testing.T) {
	var r Running
	r.Tick(5000, 100)
	r.begin(1, 1000)
	if slow := r.Tick(5099, 100); len(slow) != 0 {
		t.Errorf("slow after 99 ms: %v", slow)
	}
	r.Tick(3000, 100)
	if slow := r.Tick(3100, 100); len(slow) != 1 {
		t.Error("not slow 100 ms after the clock was set back")
	}
	if r.Tick(3101, 0); r.Busy() {
		t.Error("busy after the threshold was taken away")
	}
}

func TestEndOfTheNode(t *testing.T) {
	var r Running
	s := r.begin(1, 1)
	r.mayWrite(s)
	r.End()
	if !s.kill.Load() || !r.begin(2, 2).kill.Load() {
		t.Error("a script outlives the node")
	}
}
