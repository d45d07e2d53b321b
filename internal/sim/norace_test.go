//go:build !race

package sim

// raced: the race detector does not watch.
const raced = false
