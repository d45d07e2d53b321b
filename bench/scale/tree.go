package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"firn/internal/backup"
	"firn/internal/check"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/seal"
	"firn/internal/snapshot"
	"firn/internal/tree"
)

// secret opens repositories that protect nothing.
var secret = seal.Secret{Key: &[32]byte{1}}

// openRepository opens the repository of a step, or makes it.
func openRepository(ctx context.Context, j job, create bool) (*repo.Repository, *object.Metered, error) {
	dir, err := object.OpenDir(filepath.Join(j.folder, "repository"), create)
	if err != nil {
		return nil, nil, err
	}
	store := object.Meter(dir)
	cache := filepath.Join(j.folder, "cache")
	if create {
		r, err := repo.Create(ctx, store, repo.CreateOptions{Slots: []repo.NewSlot{{Secret: secret, Label: "scale"}}, Cache: cache})
		return r, store, err
	}
	r, err := repo.Open(ctx, store, repo.OpenOptions{Secret: secret, Cache: cache})
	return r, store, err
}

// backUp backs made-up files up.
func backUp(ctx context.Context, j job, create bool, changed, run uint64) (figures, error) {
	r, store, err := openRepository(ctx, j, create)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	results, err := backup.Run(ctx, []backup.Drive{{Label: "scale", Repo: r}},
		&made{files: j.n, size: j.size, single: j.single, changed: changed, run: run}, backup.Options{Host: "scale", Sources: [][]byte{[]byte("/made")}})
	seconds := time.Since(begun).Seconds()
	for i := range results {
		err = errors.Join(err, results[i].Err)
	}
	return figures{"seconds": seconds, "requests": float64(store.Counts().Requests())}, errors.Join(err, r.Close())
}

func backUpFirst(ctx context.Context, j job) (figures, error) { return backUp(ctx, j, true, 0, 0) }

func backUpUnchanged(ctx context.Context, j job) (figures, error) { return backUp(ctx, j, false, 0, 0) }

func backUpChanged(ctx context.Context, j job) (figures, error) {
	return backUp(ctx, j, false, 1000, 1)
}

// backUpRewritten backs up what is changed enough, and in such large parts, that prune
// will move much.
func backUpRewritten(ctx context.Context, j job) (figures, error) {
	return backUp(ctx, j, false, 3, 300)
}

// withSnapshots calls use with a reader and all snapshots, oldest first.
func withSnapshots(ctx context.Context, j job, use func(rd *repo.Reader, all []*snapshot.Snapshot) error) (figures, error) {
	r, store, err := openRepository(ctx, j, false)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	err = func() error {
		records, err := r.ReadRecords(ctx)
		if err != nil {
			return err
		}
		set, err := snapshot.List(ctx, r, records)
		if err != nil {
			return err
		}
		rd, _, err := r.ChunkReader(ctx)
		if err != nil {
			return err
		}
		return errors.Join(use(rd, set.Snapshots), rd.Close())
	}()
	return figures{"seconds": time.Since(begun).Seconds(), "requests": float64(store.Counts().Requests())}, errors.Join(err, r.Close())
}

// listFiles walks the tree of a snapshot.
func listFiles(ctx context.Context, j job) (figures, error) {
	return withSnapshots(ctx, j, func(rd *repo.Reader, all []*snapshot.Snapshot) error {
		count := uint64(0)
		for _, err := range tree.Walk(ctx, rd, all[0].Tree(), nil) {
			if err != nil {
				return err
			}
			count++
		}
		if count < j.n {
			return fmt.Errorf("%d entries of %d files", count, j.n)
		}
		return nil
	})
}

// diffFiles compares the first snapshot with the one in which one file in 1,000 was changed.
func diffFiles(ctx context.Context, j job) (figures, error) {
	return withSnapshots(ctx, j, func(rd *repo.Reader, all []*snapshot.Snapshot) error {
		count := uint64(0)
		for _, err := range tree.Diff(ctx, rd, all[0].Tree(), all[len(all)-1].Tree()) {
			if err != nil {
				return err
			}
			count++
		}
		if want := (j.n + 999) / 1000; count != want {
			return fmt.Errorf("%d differences, want %d", count, want)
		}
		return nil
	})
}

// checkFiles checks the repository's structure.
func checkFiles(ctx context.Context, j job) (figures, error) {
	return checkRepository(ctx, j, check.Options{})
}

// checkRepository checks the repository, in which nothing is damaged.
func checkRepository(ctx context.Context, j job, options check.Options) (figures, error) {
	r, store, err := openRepository(ctx, j, false)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	report, err := check.Run(ctx, r, options)
	if err == nil && report.Damaged() {
		err = errors.New("the repository is damaged")
	}
	return figures{"seconds": time.Since(begun).Seconds(), "requests": float64(store.Counts().Requests())}, errors.Join(err, r.Close())
}
