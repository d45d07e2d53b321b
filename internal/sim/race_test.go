//go:build race

package sim

// raced: the race detector watches, and everything takes several times as long.
const raced = true
