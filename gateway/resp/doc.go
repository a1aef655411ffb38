// Package resp reads RESP requests from bytes that a hostile peer may have sent.
//
// A [Parser] is a pure state machine: no socket, no goroutine, no clock. The caller
// owns the buffer, reads into it, and calls [Parser.Next] until it asks for more.
// Arguments alias that buffer, so a pipeline is parsed where it lies and costs no
// allocation. Between calls the parser keeps offsets from the start of the partial
// command, never slices, so the caller may move the unread tail to another buffer.
//
// Whatever arrives, a byte is looked at a bounded number of times and memory follows
// what was received, never what was announced. The answer does not depend on how the
// stream was cut into reads. What is accepted, ignored and refused, and every error
// text, is as in redis-server 7.0.15; the two places where Redis itself depends on
// the cut or has no bound are named at [Limits].
package resp
