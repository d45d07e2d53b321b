// Package house has no code, only the tests that hold the source to what
// ARCHITECTURE.md and CONTRIBUTING.md say of it: which packages there are, what
// may import what, how long files and functions get. Nothing imports it.
package house
