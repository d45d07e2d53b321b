//go:build unix

package realtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"firn/internal/format"
	"firn/internal/prune"
	"firn/internal/repo"
	"firn/internal/seal"
)

// The program takes no session for dead before ten minutes have passed. These tests
// have no such patience: what closes sessions of killed processes, or of slow ones, is
// the same code within the process of the tests.

// impatient prunes once and closes all sessions that have been silent for so long.
func (f *fleet) impatient(stale time.Duration) {
	if err := f.pruneOnce(stale); err != nil && !errors.Is(err, repo.ErrFenced) && !f.cutOff {
		f.t.Errorf("impatient prune: %v", err)
		f.ledger.count("impatient prune failed")
		return
	}
	f.ledger.count("impatient prune done")
}

func (f *fleet) pruneOnce(stale time.Duration) (err error) {
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	store, done, err := f.drive.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	key, err := readKey(f.hosts[0].key())
	if err != nil {
		return err
	}
	r, err := repo.Open(ctx, store, repo.OpenOptions{Secret: seal.Secret{Key: &key}, Cache: filepath.Join(f.folder, "maintainer")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	report, err := prune.Run(ctx, r, prune.Options{Grace: -1, Stale: stale, MaxUnused: 0.1, Host: "maintainer", Command: "test"})
	if err == nil {
		f.mu.Lock()
		f.deleted += report.Deleted
		f.mu.Unlock()
	}
	return err
}

// readKey reads a key file.
func readKey(path string) ([32]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return [32]byte{}, err
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			key, _, err := format.ParseSecret(strings.TrimSpace(line))
			return key, err
		}
	}
	return [32]byte{}, fmt.Errorf("%s: no key in it", path)
}
