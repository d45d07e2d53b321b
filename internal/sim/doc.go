// Package sim puts the real code of all verbs to the test of many clients, faults
// and crashes, over one drive in memory. It has tests only:
//
//   - a simulation runs writers, forgetters, pruners and readers with clocks of
//     their own over a server that delays, fails, loses answers, stalls, lists late
//     and crashes them, in virtual time, and compares what can be restored with a
//     model;
//   - planted bugs show that the simulation would find such bugs;
//   - a crash sweep stops every verb at each of its store operations in turn, and
//     sees that the repository needs no repair.
//
// Invariant: a run of the simulation follows from its seed. Nothing imports the package.
//
//	go test ./internal/sim -run Simulation -seeds 20000 -jobs 2 -timeout=0
//	go test ./internal/sim -run Simulation -seed 17 -log
package sim
