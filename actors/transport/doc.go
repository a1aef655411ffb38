// Package transport carries control messages between nodes over Proto.Actor's
// remote: small, in order per peer, maybe lost, never twice. A Transport is one
// node's end of it. Envelopes say who sends, which start of its process it is, of
// which cluster, and which epoch it knows; one actor, "control", receives them, looks
// at them, and hands them to the handlers of their kinds. Requests are messages with
// a correlation id and a deadline, answered by messages.
//
// Proto.Actor's remote trusts whoever connects and hides failures. It is kept, and
// watched from both sides of it: gate sees connections before gRPC does, inbound
// what arrives before Proto.Actor does, outbound what becomes of connections before
// it can sleep on that. Refused is what does not belong; Dropped is what was lost.
//
// A request and its answer of 128 bytes take about 0.1 ms and 100 allocations of both
// nodes on loopback: enough for control, too much for the data path.
//
// The port is mutual TLS 1.3 (TLS, MakeAuthority, MakeCertificate) or, on loopback and
// if the operator says so, plain: then everybody who reaches it is trusted.
package transport
