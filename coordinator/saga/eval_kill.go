package saga

// Killing is what KillSlow has found and done.
type Killing struct {
	Running, Slow, Killed int
	// Oldest is since when the one that runs for the longest does, Unix milliseconds,
	// 0: none runs.
	Oldest int64
}

// KillSlow ends the scripts that are slow, but for those that have written: where
// there are several nodes, which script is to end depends on all of them.
func (r *Running) KillSlow() (k Killing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k.Running = len(r.list)
	for _, s := range r.list {
		if k.Oldest == 0 || s.since < k.Oldest {
			k.Oldest = s.since
		}
		if !s.slow {
			continue
		}
		if k.Slow++; !s.wrote {
			s.kill.Store(true)
			k.Killed++
		}
	}
	return k
}
