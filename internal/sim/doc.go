// Package sim holds tests that run the real verbs over a drive in memory and
// stop them at every single store operation, undone and done with its answer
// lost. Afterwards the repository must open, earlier snapshots must restore byte
// for byte, and the next backup and prune must work. Nothing imports it.
//
// With the build tag sim it also holds a simulation of many clients in virtual
// time against a model, and planted bugs that it must find. They take long and
// are run by hand:
//
//	go test -tags sim ./internal/sim -run 'TestSimulation$' -timeout=0
package sim
