package transport

import "time"

// Limits of what is sent and received, and what they are for.
const (
	// MaxPayload bounds one message: what is larger goes over streams of the data path.
	MaxPayload = 4 << 20
	// MaxQueued and MaxQueuedBytes bound what waits for one peer to read; further
	// messages are dropped. A batch on the wire is at most what waits.
	MaxQueued      = 4096
	MaxQueuedBytes = 8 << 20
	// maxFrame is the largest batch that is read: all that a peer may have waiting,
	// and the frame around each message.
	maxFrame = MaxQueuedBytes + MaxQueued*64
	// maxBatch is how many messages Proto.Actor puts into a frame.
	maxBatch = 256
	// MaxInbox bounds received messages whose turn has not come; further ones are
	// dropped, as handlers do not keep up.
	MaxInbox = 16384
	// MaxPending bounds a node's own requests without an answer, MaxRunning those
	// of others that are being answered; further ones fail at once.
	MaxPending = 4096
	MaxRunning = 256
	// maxPeers bounds the addresses that are known, maxSenders the processes whose
	// sequences are. Both are above the members that a cluster can have, old
	// incarnations and guests included.
	maxPeers   = 4096
	maxSenders = 4096
	// maxConnections bounds connections to the port: two from each member, as one
	// that reconnects does so before the old one is seen to be gone.
	maxConnections = 2048
	// maxStreams bounds the streams in a connection; peers open one.
	maxStreams = 4
	// receiveWindow is how much a peer may send before it is read. A fixed window also
	// keeps gRPC from estimating one, which races with peers that answer pings nobody sent.
	receiveWindow = 1 << 20
	// maxHeaders bounds the headers of a stream, bytes.
	maxHeaders = 8 << 10
	// maxAnswer bounds what a connection's other end says to who opened it, bytes:
	// no more than who it is.
	maxAnswer = 64 << 10
	// maxName and maxAddress bound texts in an envelope, maxErrorText an error in a reply.
	maxName      = 64
	maxAddress   = 255 + len(":65535")
	maxErrorText = 1 << 10
)

// Times.
const (
	// dialTimeout is how long a machine may take to accept: one that is off answers
	// nothing at all. connectTimeout is for all until the peer has said who it is.
	dialTimeout    = time.Second
	connectTimeout = 3 * time.Second
	// handshakeTimeout is how long who connects may take to say who it is.
	handshakeTimeout = 5 * time.Second
	// firstPause and lastPause are how long a peer that could not be reached is let
	// alone: it doubles from the one to the other.
	firstPause = 100 * time.Millisecond
	lastPause  = 800 * time.Millisecond
	// pingEvery and pingTimeout find connections whose other end is gone without a
	// word. gRPC pings no more often than every ten seconds; members that are silent
	// are marked down much sooner.
	pingEvery   = 10 * time.Second
	pingTimeout = 5 * time.Second
	// idleTimeout is how long a connection may have no stream.
	idleTimeout = 10 * time.Second
	// defaultWait is a request's deadline if its context has none, maxWait the most.
	defaultWait = 5 * time.Second
	maxWait     = time.Hour
	// reportEvery is how often refusals are logged at most.
	reportEvery = time.Second
)
