package sim

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"
	"time"

	"firn/internal/backup"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/prune"
	"firn/internal/repo"
	"firn/internal/restore"
	"firn/internal/seal"
	"firn/internal/snapshot"
)

// secrets of the roles in every repository of these tests.
var (
	ownerKey      = [32]byte{1}
	writerKey     = [32]byte{2}
	maintainerKey = [32]byte{3}
)

// smallWriter keeps the buffers small that a session works with, those of its compressor too.
var smallWriter = repo.WriterOptions{PackSize: 256 << 10, MetaPackSize: 256 << 10, Compression: repo.CompressFastest}

// epoch is when repositories were created.
func epoch() time.Time { return time.Unix(1_700_000_000, 0) }

// create makes a repository with a slot for every role.
func create(ctx context.Context, store object.Store) error {
	r, err := repo.Create(ctx, store, repo.CreateOptions{Slots: []repo.NewSlot{{Secret: seal.Secret{Key: &ownerKey}}}, Now: epoch})
	if err != nil {
		return err
	}
	_, err = r.AddSlot(ctx, format.RoleWriter, repo.NewSlot{Secret: seal.Secret{Key: &writerKey}})
	if err == nil {
		_, err = r.AddSlot(ctx, format.RoleMaintainer, repo.NewSlot{Secret: seal.Secret{Key: &maintainerKey}})
	}
	return errors.Join(err, r.Close())
}

// founding holds the objects of a new repository with slots for all roles. It is made
// once, the same in every process.
var founding struct {
	once    sync.Once
	objects map[string][]byte
	err     error
}

// founded returns the objects of a new repository.
func founded(t *testing.T) map[string][]byte {
	t.Helper()
	founding.once.Do(func() {
		cryptotest.SetGlobalRandom(t, 0)
		store := object.NewMemClock(epoch)
		if founding.err = create(t.Context(), store); founding.err == nil {
			founding.objects, founding.err = contents(t.Context(), store)
		}
	})
	if founding.err != nil {
		t.Fatal(founding.err)
	}
	return founding.objects
}

// contents returns all objects of a store.
func contents(ctx context.Context, store object.Store) (map[string][]byte, error) {
	all := map[string][]byte{}
	for info, err := range store.List(ctx, "") {
		if err != nil {
			return nil, err
		}
		if all[info.Name], _, err = store.Get(ctx, info.Name, 1<<30); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// fill puts objects into a store.
func fill(ctx context.Context, store object.Store, objects map[string][]byte) error {
	for _, name := range sortedKeys(objects) {
		if _, err := store.Put(ctx, name, objects[name], object.PutOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// machine is a way to open the repository.
type machine struct {
	key   *[32]byte // of a role; nil is the owner
	cache string    // "" for a new one each time
	now   func() time.Time
}

// with opens the repository for one piece of work.
func (m machine) with(ctx context.Context, store object.Store, work func(*repo.Repository) error) error {
	key := m.key
	if key == nil {
		key = &ownerKey
	}
	r, err := repo.Open(ctx, store, repo.OpenOptions{Secret: seal.Secret{Key: key}, Cache: m.cache, Now: m.now})
	if err != nil {
		return err
	}
	return errors.Join(work(r), r.Close())
}

// backUp backs files up under a tag.
func backUp(ctx context.Context, r *repo.Repository, f files, host, tag string) (*snapshot.Snapshot, error) {
	results, err := backup.Run(ctx, []backup.Drive{{Repo: r}}, f, backup.Options{
		Host: host, Sources: [][]byte{[]byte("/")}, Tags: []string{tag}, Workers: 1, Writer: smallWriter,
	})
	if err != nil {
		return nil, err
	}
	return results[0].Snapshot, nil
}

// list returns the snapshots.
func list(ctx context.Context, r *repo.Repository) (*snapshot.Set, error) {
	records, err := r.ReadRecords(ctx)
	if err != nil {
		return nil, err
	}
	return snapshot.List(ctx, r, records)
}

// bring restores a snapshot to memory.
func bring(ctx context.Context, r *repo.Repository, s *snapshot.Snapshot) (m memory, err error) {
	rd, bad, err := r.NewReader(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rd.Close()) }()
	if len(bad) > 0 {
		return nil, bad[0]
	}
	m = memory{}
	var problem error
	p := &restore.Progress{OnProblem: func(path string, err error) { problem = fmt.Errorf("%s: %w", path, err) }}
	err = restore.ToArchive(ctx, rd, s.Tree(), m, restore.Options{Progress: p})
	return m, errors.Join(err, problem)
}

// promptly prunes without patience for anything but what is running.
var promptly = prune.Options{Grace: -1, Stale: time.Nanosecond, MaxUnused: 1e-9, FenceWait: time.Nanosecond, Writer: smallWriter}

// expectation is what a repository must hold: files by the tags of their snapshots.
type expectation map[string]files

// inspect reads all of a repository through an empty cache and returns the tags of
// its snapshots. Snapshots whose tags are expected must have these contents.
func inspect(t testing.TB, store object.Store, want expectation) (tags []string) {
	t.Helper()
	err := machine{}.with(t.Context(), store, func(r *repo.Repository) error {
		set, err := list(t.Context(), r)
		if err != nil {
			return err
		}
		if err := errors.Join(set.Damage...); err != nil {
			return err
		}
		for _, s := range set.Snapshots {
			tag := strings.Join(s.Tags, " ")
			tags = append(tags, tag)
			got, err := bring(t.Context(), r, s)
			if err != nil {
				return fmt.Errorf("restore %s: %w", tag, err)
			}
			if wanted, ok := want[tag]; ok {
				if difference := wanted.compare(got); difference != "" {
					return fmt.Errorf("restore %s: %s", tag, difference)
				}
			}
		}
		return walkPacks(t.Context(), r)
	})
	if err != nil {
		t.Errorf("inspect: %v", err)
	}
	return tags
}

// walkPacks sees that every pack that counts is there, whole, and as indexed, and
// that the footers of data packs are mirrored.
func walkPacks(ctx context.Context, r *repo.Repository) error {
	records, err := r.ReadRecords(ctx)
	if err != nil {
		return err
	}
	rd, bad, err := r.NewReader(ctx)
	if err != nil {
		return err
	}
	defer rd.Close() //nolint:errcheck // read only
	if len(bad) > 0 {
		return bad[0]
	}
	dropped := records.Dropped()
	for info := range rd.View().Packs() {
		if dropped[info.Name] {
			continue
		}
		body, _, err := r.Store().Get(ctx, info.Name.Object(), 1<<30)
		if err != nil {
			return fmt.Errorf("indexed pack: %w", err)
		}
		if sha256.Sum256(body) != info.Name.Hash || uint64(len(body)) != info.Size {
			return fmt.Errorf("%s is not as its name or the index say", info.Name)
		}
		if _, err := r.ReadFooter(ctx, info.Name, int64(len(body))); err != nil {
			return err
		}
		if info.Name.Kind != format.KindData {
			continue
		}
		if _, err := rd.Locate(r.Keys().MirrorID(info.Name)); err != nil {
			return fmt.Errorf("mirrored footer of %s: %w", info.Name, err)
		}
	}
	return nil
}
