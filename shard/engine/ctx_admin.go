package engine

// What the steps of INFO need of the engine.

// Changes returns how many changes of keys there were since the start.
func (c *Ctx) Changes() uint64 { return c.engine.Changes }

// Crowd returns how many keys are watched and how many have blocked clients.
func (c *Ctx) Crowd() (watched, waiting int) { return len(c.engine.watched), len(c.engine.waiting) }
