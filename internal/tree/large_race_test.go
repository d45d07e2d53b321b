//go:build race

package tree

// largeTree is the number of entries of TestLarge.
const largeTree = 50_000
