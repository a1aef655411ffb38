// Package workload says what a load sends: which commands, on which keys.
//
// A Workload is written once, as command words in which placeholders of twelve
// characters stand for random numbers, the way redis-benchmark writes them. The
// same words serve both drivers: redis-benchmark takes them as they are, and
// Compile turns them into one RESP buffer for a whole pipeline together with the
// places of the digits. Sending a request is then: overwrite those digits, write
// the buffer. A Key says which number a request's owner in a cluster depends on.
// Where the numbers come from is a Source: uniform, zipf, or a plain
// sequence for prefilling.
package workload
