// Package realtest has no code, only tests that run the built program: many
// firn processes on hosts of their own share a drive on a real server or in a
// folder and are killed at random moments; and folders on small real file systems that fill
// up, turn read-only or go away.
//
// Invariant: what a process reported done is compared with a copy that was made
// before it began, by package alike, which knows nothing of Firn. Nothing imports it.
package realtest
