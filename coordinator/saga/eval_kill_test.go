package saga

import "testing"

func TestKillSlowSparesOthers(t *testing.T) {
	r := &Running{}
	if k := r.KillSlow(); k != (Killing{}) {
		t.Errorf("nothing runs: %+v", k)
	}
	r.Tick(1000, 500)
	slow, wrote := r.begin(1, 1000), r.begin(2, 1000)
	r.Tick(1200, 500)
	fast := r.begin(3, 1200)
	r.mayWrite(wrote)
	if k := r.KillSlow(); k != (Killing{Running: 3, Oldest: 1000}) || slow.kill.Load() || fast.kill.Load() {
		t.Errorf("none is slow: %+v", k)
	}
	r.Tick(1600, 500)
	if k := r.KillSlow(); k != (Killing{Running: 3, Slow: 2, Killed: 1, Oldest: 1000}) {
		t.Errorf("two are slow, one has written: %+v", k)
	}
	if !slow.kill.Load() || fast.kill.Load() || wrote.kill.Load() {
		t.Error("the wrong ones are killed")
	}
}
