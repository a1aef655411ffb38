// Package locks keeps the key locks of one shard: which keys sagas hold, and
// what waits at them in which order. It decides nothing about who must yield;
// that is the participant's part (wound-wait by age).
package locks
