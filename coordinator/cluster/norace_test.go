//go:build !race

package cluster

// atOnce is how many tests run at a time: what they do is wait.
const atOnce = "12"
