package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"firn/internal/extsort"
	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/object"
	"firn/internal/seal"
)

const (
	packChunks = 400 // chunks of a pack
	// segmentChunks is how many a session lists in a segment at most, and mergedChunks
	// how many are in one that prune merged.
	segmentChunks = 1 << 18
	mergedChunks  = 2_000_000
)

// mix is a bijection of 64 bits that looks random (SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// chunkID is the ID of chunk number i.
func chunkID(i uint64) (id format.ID) {
	binary.LittleEndian.PutUint64(id[:], mix(2*i))
	binary.LittleEndian.PutUint64(id[8:], mix(2*i+1))
	return id
}

// drive is the place of the segments, with the keys that they are sealed with.
type drive struct {
	store object.Store
	keys  *seal.Keyring
	sizes map[string]int64
}

func openDrive(ctx context.Context, folder string) (*drive, error) {
	d := &drive{sizes: make(map[string]int64)}
	store, err := object.OpenDir(filepath.Join(folder, "drive"), true)
	if err != nil {
		return nil, err
	}
	d.store = store
	if d.keys, err = openKeys(filepath.Join(folder, "keys")); err != nil {
		return nil, err
	}
	for info, err := range store.List(ctx, "x/") {
		if err != nil {
			return nil, err
		}
		d.sizes[info.Name] = info.Size
	}
	return d, nil
}

func (d *drive) names() []string {
	var names []string
	for name := range d.sizes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// openKeys reads keys that protect nothing, or makes them.
func openKeys(path string) (*seal.Keyring, error) {
	bundleFile, rootFile := path+".bundle", path+".root"
	encoded, err := os.ReadFile(bundleFile)
	if errors.Is(err, os.ErrNotExist) {
		k, root, err := seal.Create(seal.RootParams{Created: time.Now(), Program: "scale",
			ChunkMin: 1 << 18, ChunkMean: 1 << 20, ChunkMax: 4 << 20, PageMin: 32, PageMean: 160, PageMax: 512})
		if err != nil {
			return nil, err
		}
		bundle, err := k.Bundle(format.RoleWriter)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(os.WriteFile(bundleFile, bundle.Append(nil), 0o600), os.WriteFile(rootFile, root.Append(nil), 0o600)); err != nil {
			return nil, err
		}
		return openKeys(path)
	}
	if err != nil {
		return nil, err
	}
	var bundle format.Bundle
	var root format.Root
	encodedRoot, err := os.ReadFile(rootFile)
	if err := errors.Join(err, bundle.Decode(encoded), root.Decode(encodedRoot)); err != nil {
		return nil, err
	}
	return seal.Open(&bundle, &root, nil)
}

// writeIndex writes the segments.
func writeIndex(ctx context.Context, j job) (figures, error) {
	d, err := openDrive(ctx, j.folder)
	if err != nil {
		return nil, err
	}
	each := uint64(segmentChunks)
	if j.n > 4*mergedChunks {
		each = mergedChunks
	}
	found := figures{}
	entries := make([]index.PackEntry, packChunks)
	for from := uint64(0); from < j.n; from += each {
		b := index.NewBuilder()
		for first := from; first < min(from+each, j.n); first += packChunks {
			list := entries[:min(packChunks, j.n-first)]
			for i := range list {
				list[i] = index.PackEntry{ID: chunkID(first + uint64(i)).Short(),
					BlockOffset: uint32(i/4) << 17, BlockLength: 100_000, ChunkOffset: uint32(i%4) << 15}
			}
			name := format.PackName{Kind: format.KindData, Hash: chunkID(1<<62 + first)}
			binary.LittleEndian.PutUint64(name.Hash[16:], mix(first))
			b.AddPack(format.PackInfo{Name: name, Size: 32 << 20, Used: 31 << 20, Host: d.keys.Host(), Written: int64(1_700_000_000 + first/packChunks)}, list)
		}
		name, body, err := b.Seal(d.keys, nil, time.Now())
		if err != nil {
			return nil, err
		}
		if _, err := d.store.Put(ctx, name, body, object.PutOptions{}); err != nil {
			return nil, err
		}
		found["segments"]++
		found["bytes"] += float64(len(body))
	}
	return found, nil
}

// withView calls use with a view over the cache in a folder.
func (d *drive) withView(ctx context.Context, cache string, use func(v *index.View) error, options ...index.Option) (err error) {
	m, err := index.OpenMirror(cache)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	v, err := m.View(ctx, d.store, d.keys, d.names(), options...)
	if err != nil {
		return err
	}
	return errors.Join(use(v), v.Close())
}

// withCache calls use with the drive and a view over the step's full cache.
func withCache(ctx context.Context, j job, use func(d *drive, v *index.View) error) error {
	d, err := openDrive(ctx, j.folder)
	if err != nil {
		return err
	}
	return d.withView(ctx, filepath.Join(j.folder, "cache"), func(v *index.View) error { return use(d, v) })
}

// find looks up a chunk that is there, or one that is not.
func find(v *index.View, i uint64, there bool) error {
	_, found, err := v.Lookup(chunkID(i), nil)
	if err == nil && found != there {
		err = fmt.Errorf("chunk %d is there: %v, and found: %v", i, there, found)
	}
	return err
}

// lookFar begins with an empty cache, over a network.
func lookFar(ctx context.Context, j job) (figures, error) {
	d, err := openDrive(ctx, j.folder)
	if err != nil {
		return nil, err
	}
	metered := object.Meter(&link{Store: d.store})
	d.store = metered
	found, begun := figures{}, time.Now()
	err = d.withView(ctx, filepath.Join(j.folder, "far"), func(v *index.View) error {
		if err := find(v, mix(1)%j.n, true); err != nil {
			return err
		}
		counts := metered.Counts()
		found["first"], found["requests"], found["bytes"] = time.Since(begun).Seconds(), float64(counts.Requests()), float64(counts.BytesIn)
		const next = 50
		begun = time.Now()
		for i := range uint64(next) {
			if err := find(v, mix(i)%j.n, true); err != nil {
				return err
			}
		}
		found["next"] = time.Since(begun).Seconds() / next
		found["next requests"] = float64(metered.Counts().Requests()-counts.Requests()) / next
		return nil
	}, index.Far(d.sizes))
	return found, err
}

// mirrorIndex brings the whole index to the cache.
func mirrorIndex(ctx context.Context, j job) (figures, error) {
	return figures{}, withCache(ctx, j, func(*drive, *index.View) error { return nil })
}

// lookWarm looks chunks up in a full cache.
func lookWarm(ctx context.Context, j job) (figures, error) {
	found, begun := figures{}, time.Now()
	err := withCache(ctx, j, func(_ *drive, v *index.View) error {
		if err := find(v, mix(1)%j.n, true); err != nil {
			return err
		}
		found["first"] = time.Since(begun).Seconds()
		const count = 200_000
		for what, there := range map[string]bool{"hits": true, "misses": false} {
			begun := time.Now()
			for i := range uint64(count) {
				at := mix(i) % j.n
				if !there {
					at += j.n
				}
				if err := find(v, at, there); err != nil {
					return err
				}
			}
			found[what] = count / time.Since(begun).Seconds()
		}
		return nil
	})
	return found, err
}

// walkIndex goes through all entries, as check and prune do.
func walkIndex(ctx context.Context, j job) (figures, error) {
	found := figures{}
	err := withCache(ctx, j, func(_ *drive, v *index.View) error {
		begun, groups := time.Now(), uint64(0)
		for _, err := range v.Merge(ctx) {
			if err != nil {
				return err
			}
			groups++
		}
		if groups != j.n {
			return fmt.Errorf("%d chunks of %d", groups, j.n)
		}
		found["seconds"] = time.Since(begun).Seconds()
		return nil
	})
	return found, err
}

// compactIndex merges all segments, as prune does when much was dropped. Nothing is written to the drive.
func compactIndex(ctx context.Context, j job) (figures, error) {
	found := figures{}
	err := withCache(ctx, j, func(d *drive, v *index.View) error {
		begun := time.Now()
		err := v.Compact(ctx, d.keys, d.names(), nil, time.Now(), func(_ string, body []byte) error {
			found["segments"]++
			found["bytes"] += float64(len(body))
			return nil
		})
		found["seconds"] = time.Since(begun).Seconds()
		return err
	})
	return found, err
}

// sortIDs sorts the IDs of all chunks, as prune does with those of live ones.
func sortIDs(_ context.Context, j job) (_ figures, err error) {
	s := extsort.New(extsort.Records[format.ShortID]{
		What: "chunks", Size: len(format.ShortID{}),
		Compare: func(a, b format.ShortID) int { return slices.Compare(a[:], b[:]) },
		Same:    func(a, b format.ShortID) bool { return a == b },
		Append:  func(dst []byte, id format.ShortID) []byte { return append(dst, id[:]...) },
		Parse:   func(b []byte) format.ShortID { return format.ShortID(b) },
	}, 1<<21)
	defer func() { err = errors.Join(err, s.Close()) }()
	for i := range j.n {
		if err := s.Add(chunkID(i).Short()); err != nil {
			return nil, err
		}
	}
	w, err := s.Walk()
	if err != nil {
		return nil, err
	}
	count := uint64(0)
	for _, more := w.Next(); more; _, more = w.Next() {
		count++
	}
	if count != j.n {
		return nil, fmt.Errorf("%d chunks of %d: %w", count, j.n, w.Err())
	}
	return figures{}, w.Err()
}
