// Package objecttest tests implementations and users of object.Store.
//
// Run is the conformance suite: every Store must pass it. NewFault wraps a
// Store and disturbs what goes through it: failures, lost answers, crashes,
// damaged bytes, delays, stale listings. Sweep crashes a piece of work at
// every one of its operations in turn. Restrict takes abilities from a Store.
//
// Its users are the tests of all packages that touch a drive.
package objecttest
