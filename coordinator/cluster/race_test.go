//go:build race

package cluster

// atOnce is how many tests run at a time: what they do is wait, unless the race
// detector makes work of it.
const atOnce = "3"
