// Package reply counts RESP2 replies in a byte stream without keeping them.
//
// A load driver needs to know three things about what comes back: how many
// replies are complete, whether any of them is an error, and how many are
// null. A Counter answers these from the bytes alone. It keeps no tree and no
// copy: nested arrays only raise the number of elements that are still owed
// before the current top-level reply is whole, and a bulk string is a number
// of bytes to skip. A stream may be cut anywhere; the Counter carries the cut
// line or the rest of the bulk over to the next chunk.
package reply
