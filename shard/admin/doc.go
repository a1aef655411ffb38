// Package admin holds the steps through which INFO, CONFIG RESETSTAT and DEBUG
// look into a shard. The commands themselves are the gateway's.
package admin
