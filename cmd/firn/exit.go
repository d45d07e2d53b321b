package main

import (
	"errors"
	"fmt"

	"firn/internal/claim"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/prune"
	"firn/internal/repo"
	"firn/internal/restore"
	"firn/internal/seal"
	"firn/internal/snapshot"
	"firn/internal/target"
)

// Exit codes.
const (
	exitDone         = 0
	exitFailed       = 1
	exitUsage        = 2
	exitPartly       = 3 // some entries unreadable or some drive failed, all else kept
	exitNoRepository = 10
	exitConflict     = 11
	exitDenied       = 12 // wrong passphrase, or the drive refused access
	exitDamage       = 13
	exitTampered     = 14 // firn audit
	exitInterrupted  = 130
)

// Errors that stand for an exit code.
var (
	errUsage       = errors.New("usage")
	errPartly      = errors.New("done in part")
	errDamage      = errors.New("damage found")
	errInterrupted = errors.New("interrupted")
	errConflict    = errors.New("conflict")
)

// usageError is an error in how the program was called.
type usageError struct{ err error }

func (e *usageError) Error() string   { return e.err.Error() }
func (e *usageError) Unwrap() []error { return []error{errUsage, e.err} }

func usage(err error) error { return &usageError{err} }

func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

// advisedError is an error together with what to do about it.
type advisedError struct {
	err    error
	advice string // one line
}

func (e *advisedError) Error() string { return e.err.Error() }
func (e *advisedError) Unwrap() error { return e.err }

func advise(err error, format string, args ...any) error {
	return &advisedError{err, fmt.Sprintf(format, args...)}
}

// outcome is what an error means to whoever called the program.
type outcome struct {
	is     []error
	code   int
	advice string
}

// outcomes maps errors to exit codes and advice, the first that matches. It
// is the one place that does.
var outcomes = []outcome{
	{[]error{errInterrupted}, exitInterrupted, "what was stored is kept; run the command again and it goes on from there"},
	{[]error{errUsage}, exitUsage, ""},
	{[]error{errPartly}, exitPartly, ""},
	{[]error{errTampered}, exitTampered, ""},
	{[]error{errDamage, prune.ErrLost}, exitDamage, "run 'firn check' to see how far the damage goes; the next backup heals what the sources still have"},
	{[]error{repo.ErrNoRepository, object.ErrNoBucket}, exitNoRepository, "make a repository there with 'firn init', or name another drive with -d"},
	{[]error{repo.ErrExists}, exitConflict, "use it as it is, or name another folder or prefix with -d"},
	{[]error{repo.ErrOther, repo.ErrFenced, claim.ErrHeld, errConflict, object.ErrExists}, exitConflict, ""},
	{[]error{repo.ErrRaced}, exitConflict, "look with 'firn key list' and try again"},
	{[]error{seal.ErrRevoked}, exitDenied, "the owner revoked this key; a new one comes from the owner's 'firn key add'"},
	{[]error{repo.ErrLeftOut}, exitDenied, "the owner revoked this key, or removed its slot before; a new one comes from the owner's 'firn key add'"},
	{[]error{seal.ErrSecret}, exitDenied, "give the passphrase or the key file that belongs to this repository (see 'firn key --help')"},
	{[]error{repo.ErrRole, seal.ErrRole, seal.ErrNoKey}, exitDenied, "this takes a key with another role; 'firn key --help' tells what each may do"},
	{[]error{object.ErrAccess, object.ErrCredentials}, exitDenied, "check the drive's credentials and rights with 'firn drive check'"},
	{[]error{repo.ErrFeature, format.ErrVersion}, exitFailed, "update Firn"},
	{[]error{object.ErrFull, target.ErrFull}, exitFailed, "free some space and run the command again; it goes on where it stopped"},
	{[]error{object.ErrUnreachable}, exitFailed, "check the network and the drive with 'firn drive check'"},
	{[]error{snapshot.ErrNotFound, snapshot.ErrAmbiguous}, exitFailed, "'firn snapshots' shows what there is"},
	{[]error{restore.ErrPath}, exitFailed, "'firn ls SNAPSHOT:FOLDER' shows what there is"},
	{[]error{repo.ErrDamaged, repo.ErrNoChunk, seal.ErrUntrusted, seal.ErrDamaged, format.ErrCorrupt, format.ErrMagic, object.ErrCorrupt}, exitDamage,
		"run 'firn check' to see how far the damage goes; the next backup heals what the sources still have"},
}

// explain returns the exit code of an error and what to do about it.
func explain(err error) (code int, advice string) {
	var own *advisedError
	var store *object.Error
	switch {
	case errors.As(err, &own):
		advice = own.advice
	case errors.As(err, &store):
		advice = store.Advice
	}
	for _, o := range outcomes {
		for _, is := range o.is {
			if errors.Is(err, is) {
				if advice == "" {
					advice = o.advice
				}
				return o.code, advice
			}
		}
	}
	return exitFailed, advice
}
