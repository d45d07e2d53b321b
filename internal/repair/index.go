package repair

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/repo"
)

// IndexReport says what was wrong with the index.
type IndexReport struct {
	Bad      []Fault // segments that cannot be read: deleted, but for those of Kept
	Kept     []Fault // segments that a newer version wrote, or that take another key
	Unread   []Fault // packs whose footers cannot be read, nor mirrors of them
	Packs    int     // on the drive, but for those that prune drops
	Listed   int     // packs that the index lacked, wholly or in part
	Chunks   uint64  // in these
	Mirrored int     // data packs whose footers were mirrored anew
	Written  int     // segments
}

// Fault is an object and what is wrong with it.
type Fault struct {
	Name   string
	Reason error
}

// Index rebuilds what is missing of the index from the footers of packs, data packs' from
// their mirrors where these can be read, and mirrors anew the footers of data packs
// that have no readable mirror. Then it deletes the segments that are damaged.
// It takes the key of a maintainer or owner: repo.ErrRole.
func Index(ctx context.Context, r *repo.Repository, opts Options) (*IndexReport, error) {
	if !r.Keys().ReadsMetadata() {
		return nil, fmt.Errorf("repair index: %w: it takes the owner's or a maintainer's key", repo.ErrRole)
	}
	x := &indexer{repo: r, opts: opts.withDefaults(), report: new(IndexReport)}
	err := x.begin(ctx)
	if err == nil {
		err = x.run(ctx)
		if x.session != nil {
			err = x.session.Explain(ctx, err)
		}
		err = errors.Join(err, x.end(ctx))
	}
	if err != nil {
		return x.report, fmt.Errorf("repair index: %w", err)
	}
	return x.report, nil
}

// indexer is one run of Index.
type indexer struct {
	repo    *repo.Repository
	fresh   *repo.Repository // the same past the cache
	opts    Options
	session *repo.Session // nil: dry run
	records *repo.Records
	reader  *repo.Reader // through fresh
	// Mirrors that distrusted hosts wrote of others' packs are not believed.
	distrusted map[format.Host]*repo.StandingRecord
	report     *IndexReport

	packs map[format.PackName]*pack
	last  mirrorBlock // read last
}

// pack is a pack on the drive.
type pack struct {
	info    format.PackInfo // without base packs until they are known of all
	indexed uint64          // places that the index names in it
	chunks  uint64          // places that its footer names
	bases   []format.ID     // that its deltas stand on directly
	read    bool            // its footer or mirror was
	mirror  *mirrorAt       // a readable mirror; nil: none, or it is a metadata pack
	doubted bool            // a revoked host signed it and no segment names it: its mirrors are not believed
}

// mirrorAt is where the mirror of a footer is.
type mirrorAt struct {
	pack           format.PackName
	block          repo.BlockAt
	offset, length uint32 // in the block's content
	sum            format.ID
}

// begin starts a session, unless this is a dry run, and opens the index past the cache.
func (x *indexer) begin(ctx context.Context) (err error) {
	if x.fresh, err = x.repo.Fresh(); err != nil {
		return err
	}
	if x.opts.DryRun {
		x.records, err = x.repo.ReadRecords(ctx)
	} else if x.session, err = x.repo.Begin(ctx, x.opts.session()); err == nil {
		x.records = x.session.Records()
	}
	if err != nil {
		return errors.Join(err, x.fresh.Close())
	}
	return nil
}

// end closes what begin opened.
func (x *indexer) end(ctx context.Context) error {
	var err error
	if x.session != nil {
		err = x.session.Abandon(context.WithoutCancel(ctx), "repair ended")
	}
	if x.reader != nil {
		err = errors.Join(err, x.reader.Close())
	}
	err = errors.Join(err, x.fresh.Close())
	if len(x.report.Bad) > 0 && x.session != nil {
		err = errors.Join(err, x.repo.Cache().DropIndex())
	}
	return err
}

func (x *indexer) run(ctx context.Context) error {
	x.distrusted = x.records.Distrusted()
	if err := x.readIndex(ctx); err != nil {
		return err
	}
	if err := x.readFooters(ctx); err != nil {
		return err
	}
	x.closeBases()
	if err := x.addMirrors(ctx); err != nil {
		return err
	}
	if err := x.list(ctx); err != nil {
		return err
	}
	return x.dropBad(ctx)
}

// readIndex opens the index and counts what it names in each pack on the drive.
func (x *indexer) readIndex(ctx context.Context) error {
	x.opts.Progress("reading the index")
	rd, bad, err := x.fresh.ReaderWith(ctx, x.records)
	if err != nil {
		return err
	}
	x.reader = rd
	for _, b := range bad {
		if f := (Fault{b.Name, b.Err}); beyondReading(b.Err) {
			x.report.Bad = append(x.report.Bad, f)
		} else {
			x.report.Kept = append(x.report.Kept, f)
		}
	}
	there, err := listPacks(ctx, x.fresh)
	if err != nil {
		return err
	}
	dropped := x.records.Dropped()
	x.packs = map[format.PackName]*pack{}
	for name, info := range there {
		if !dropped[name] {
			x.packs[name] = &pack{info: format.PackInfo{Name: name, Size: uint64(info.Size), Written: info.Modified.Unix()}}
		}
	}
	x.report.Packs = len(x.packs)
	for group, err := range rd.View().Merge(ctx) {
		if err != nil {
			return fmt.Errorf("read index: %w", err)
		}
		for i := range group.At {
			if p := x.packs[group.At[i].Pack.Name]; p != nil {
				p.indexed++
			}
		}
	}
	return nil
}

// names returns the packs of a kind in order.
func (x *indexer) names(kind format.Kind) []format.PackName {
	names := slices.DeleteFunc(slices.Collect(maps.Keys(x.packs)), func(n format.PackName) bool { return n.Kind != kind })
	slices.SortFunc(names, format.PackName.Compare)
	return names
}

// closeBases completes each pack's list of bases with what these stand on themselves.
func (x *indexer) closeBases() {
	for _, name := range x.names(format.KindData) {
		p := x.packs[name]
		seen := map[format.ID]bool{}
		for next := slices.Clone(p.bases); len(next) > 0; next = next[1:] {
			if seen[next[0]] {
				continue
			}
			seen[next[0]] = true
			if base := x.packs[format.PackName{Kind: name.Kind, Hash: next[0]}]; base != nil {
				next = append(next, base.bases...)
			}
		}
		p.info.BasePacks = slices.SortedFunc(maps.Keys(seen), func(a, b format.ID) int { return bytes.Compare(a[:], b[:]) })
	}
}

// addMirrors mirrors the footers of data packs that have no readable mirror.
func (x *indexer) addMirrors(ctx context.Context) error {
	begun := false
	for _, name := range x.names(format.KindData) {
		p := x.packs[name]
		if !p.read || p.mirror != nil {
			continue
		}
		x.report.Mirrored++
		if x.session == nil {
			continue
		}
		if !begun {
			begun = true
			if _, err := x.session.LoadIndex(ctx); err != nil {
				return err
			}
		}
		footer, err := x.fresh.ReadFooter(ctx, name, int64(p.info.Size))
		if err != nil {
			return err
		}
		m := &format.Mirror{Pack: name.Hash, Size: p.info.Size, Sections: footer.Sections, Blocks: footer.Blocks}
		if err := x.session.AddMirror(ctx, m); err != nil {
			return err
		}
	}
	if !begun {
		return nil
	}
	return x.session.Flush(ctx)
}

// dropBad deletes the segments that are damaged, once what they held is listed anew.
func (x *indexer) dropBad(ctx context.Context) error {
	if x.session == nil {
		return nil
	}
	for _, f := range x.report.Bad {
		if _, err := index.Verify(ctx, x.fresh.Store(), x.fresh.Keys(), f.Name); err == nil || !beyondReading(err) {
			continue // it can be read after all, or is gone, or nobody knows
		}
		if err := x.session.StillOpen(ctx); err != nil {
			return err
		}
		if err := x.fresh.Store().Delete(ctx, f.Name); err != nil {
			return fmt.Errorf("delete %s: %w", f.Name, err)
		}
	}
	return nil
}
