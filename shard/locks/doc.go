// Package locks keeps the key locks of one shard: which keys sagas hold, and
// who waits at them in which order.
//
// A lock names one key, or all keys of the shard. It is exclusive, but sagas that only
// read may share one of a key. Sagas keep
// what they get until they end; a single command only passes: it runs when its
// turn comes and holds nothing. Who waits stands in the queue of its key in the
// order of rank: sagas by age, commands behind the sagas that were known when
// they came, and in the order of arrival. So an older saga never stands behind a
// younger one, and nobody is overtaken for ever.
//
// The package does not decide who must yield; that is the participant's part
// (wound-wait by age), which asks for the Holders in the way.
package locks
