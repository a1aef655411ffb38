// Package sample holds what SRANDMEMBER, HRANDFIELD, ZRANDMEMBER and SPOP share:
// the count argument, its limits, and how distinct elements are chosen.
//
// A negative count asks for that many draws with repetition, which a client may
// set to anything; Limit bounds them. Distinct elements are either drawn one by
// one, when few of many are wanted, or chosen in one walk over the collection by
// a Chooser, in which every combination is equally likely.
package sample
