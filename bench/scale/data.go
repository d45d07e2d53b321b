package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"firn/internal/check"
	"firn/internal/prune"
	"firn/internal/repo"
	"firn/internal/restore"
	"firn/internal/snapshot"
	"firn/internal/target"
)

// restoreFiles restores the latest snapshot to a folder, which it removes again.
func restoreFiles(ctx context.Context, j job) (figures, error) {
	folder := filepath.Join(j.folder, "restored")
	found, err := withSnapshots(ctx, j, func(rd *repo.Reader, all []*snapshot.Snapshot) error {
		disk, err := target.NewDisk(folder, target.DiskOptions{})
		if err != nil {
			return err
		}
		var told restore.Progress
		err = restore.ToDisk(ctx, rd, all[len(all)-1].Tree(), disk, restore.Options{Progress: &told})
		if files := told.Files.Load(); err == nil && files != j.n {
			err = fmt.Errorf("%d files restored of %d", files, j.n)
		}
		return errors.Join(err, disk.Close())
	})
	return found, errors.Join(err, os.RemoveAll(folder))
}

// readData checks the repository, all packs included.
func readData(ctx context.Context, j job) (figures, error) {
	return checkRepository(ctx, j, check.Options{ReadData: check.ReadData{Percent: 100}})
}

// pruneFiles forgets all snapshots but the latest and frees what only they needed.
func pruneFiles(ctx context.Context, j job) (figures, error) {
	r, store, err := openRepository(ctx, j, false)
	if err != nil {
		return nil, err
	}
	begun, found := time.Now(), figures{}
	err = func() error {
		records, err := r.ReadRecords(ctx)
		if err != nil {
			return err
		}
		set, err := snapshot.List(ctx, r, records)
		if err != nil {
			return err
		}
		var old []string
		for _, s := range set.Snapshots[:len(set.Snapshots)-1] {
			old = append(old, s.Session)
		}
		if err := prune.Forget(ctx, r, old, "scale"); err != nil {
			return err
		}
		// What one prune decides the next one deletes.
		for range 2 {
			report, err := prune.Run(ctx, r, prune.Options{Grace: -1, Host: "scale"})
			if err != nil {
				return err
			}
			found["moved"] += float64(report.RepackedBytes)
			found["deleted"] += float64(report.DeletedBytes)
		}
		return nil
	}()
	found["seconds"], found["requests"] = time.Since(begun).Seconds(), float64(store.Counts().Requests())
	return found, errors.Join(err, r.Close())
}
