// Package reply writes RESP: Writer appends replies of either protocol
// version to a byte slice that is usually a connection's own output buffer, so
// a shard's answer is copied once. Error texts that clients see stand in
// errors.go, equal to Redis's to the byte.
//
// The encoders of plain RESP2 values are redcon's; what RESP3 adds is ours.
package reply
