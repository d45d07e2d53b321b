// Package objecttest tests implementations and users of object.Store.
//
// Run is the conformance suite: every Store must pass it. NewFault wraps a
// Store and disturbs what goes through it: failures, lost answers, crashes,
// damaged bytes, delays, stale listings. Sweep crashes a piece of work at
// every one of its operations in turn. Restrict takes abilities from a Store.
//
// NewCold gives a Store archive classes, whose objects cannot be read before they
// were thawed, on a Clock that stands until the test moves it. RunThawer and
// RunCopier are the conformance suites of object.Thawer and object.Copier. What
// archive classes do is in Freezer, for stores in memory and servers alike.
//
// Its users are the tests of all packages that touch a drive.
package objecttest
