// Package scan holds what HSCAN, SSCAN and ZSCAN share: the cursor, MATCH and
// COUNT, the walk over a table, and the form of the reply.
//
// A collection in its small encoding is returned whole, with cursor 0. One in a
// table is walked in hash order; the cursor is a position of data.Table.Scan, so
// whatever is there from the first call to the last is met, and whatever comes
// or goes in between may be.
package scan
