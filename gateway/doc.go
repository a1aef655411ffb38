// Package gateway is a node's face to its clients: it puts the table, the shards,
// the coordinators and the sessions together and serves RESP on sockets.
package gateway
