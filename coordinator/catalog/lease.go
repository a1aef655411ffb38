package catalog

// The times of leases, in milliseconds of monotonic clocks.
const (
	// HeartbeatEvery is how often a node sends one: often enough that several may
	// be lost within LeaseTime.
	HeartbeatEvery = 300
	// LeaseTime is how long after the sending of an acknowledged heartbeat a node
	// serves.
	LeaseTime = 2000
	// DownAfter is how long after the last acknowledgement the leader calls a node
	// down. The difference to LeaseTime is for clocks that run at different rates:
	// if the leader's runs faster than the node's by DownAfter/LeaseTime, a quarter,
	// they meet. Real ones differ by less than a thousandth; the rest is for virtual
	// machines whose clocks are being corrected.
	DownAfter = 2500
	// sentHeartbeats is how many may be under way: more than are sent in LeaseTime,
	// after which an answer is of no use.
	sentHeartbeats = 16
)

// Lease is a node's right to serve its shards. Its zero value is none.
type Lease struct {
	sent    [sentHeartbeats]heartbeat
	granted bool
	from    int64 // when the newest acknowledged heartbeat was sent
}

type heartbeat struct {
	seq uint64 // 0: none
	at  int64
}

// Sent notes that the heartbeat with this number, which is used once and is not 0,
// is about to be sent. It must be called before it is.
func (l *Lease) Sent(seq uint64, now int64) {
	l.sent[seq%sentHeartbeats] = heartbeat{seq, now}
}

// Acked notes that the leader has acknowledged a heartbeat.
func (l *Lease) Acked(seq uint64) {
	h := l.sent[seq%sentHeartbeats]
	if seq == 0 || h.seq != seq {
		return // too old to matter
	}
	if !l.granted || h.at > l.from {
		l.granted, l.from = true, h.at
	}
}

// Valid tells whether the node may serve. What it finds out before an answer is sent
// holds for the answer only if that is sent before Until.
func (l *Lease) Valid(now int64) bool { return l.granted && now-l.from < LeaseTime }

// Until returns when the lease runs out as it stands, and whether there is one.
func (l *Lease) Until() (at int64, ok bool) { return l.from + LeaseTime, l.granted }

// Drop gives the lease up, and what is under way.
func (l *Lease) Drop() { *l = Lease{} }
