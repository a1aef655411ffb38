// Package wal is a node's one write-ahead log. The entries, hard states and
// snapshots of any number of raft groups are interleaved in it, so that one fsync
// makes durable what all of them have gathered (group commit).
//
// The log is a row of segments. Each begins with a header, which says all that the
// log knows of every group at that point and which segments hold its entries; so an
// older segment is needed for entries only, and goes as soon as no group has one in
// it. A record carries its length and a CRC32C over its place and its content; one
// update of a group is one record, all or nothing. Snapshots are files of their own,
// written aside, synced, renamed, and true only once a record names them.
//
// What a crash may leave unfinished is the end of the newest segment: it is cut at
// open. Everything else that does not read is an error, never skipped. The two are
// told apart by marks: after a sync, the next write begins with a record that says
// how far the segment was durable. What is bad below a later mark was durable once.
// (Below no mark is what the last sync before a crash has written: there a flipped
// bit looks like a torn write, as in every log.)
//
// After a failed write or sync nobody knows what is on the disk; the log refuses
// everything from then on, until it is opened anew.
package wal
