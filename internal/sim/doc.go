// Package sim puts the real code of all verbs to the test of many clients, faults
// and crashes over one drive in memory. It has tests only:
//
//   - a crash sweep stops every verb at each of its store operations in turn and
//     sees that the repository needs no repair;
//   - a simulation runs writers, forgetters, pruners and readers with clocks of
//     their own over a server that delays, fails, loses answers, stalls and crashes
//     them, in virtual time, and compares what can be restored with a model;
//   - planted bugs show that the simulation would find such a bug.
//
// A run of the simulation follows from its seed, as far as the order in which
// goroutines draw random numbers allows:
//
//	go test ./internal/sim -run 'TestSimulation$' -sim.seed=17 -sim.trace
//	go test ./internal/sim -run 'TestSimulation$' -sim.seeds=20000 -timeout=0
package sim
