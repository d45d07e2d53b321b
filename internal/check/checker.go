package check

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/repo"
	"firn/internal/seal"
	"firn/internal/snapshot"
)

// checker is one attempt at a check.
type checker struct {
	ctx      context.Context  // of the attempt
	origin   *repo.Repository // as it was given
	repo     *repo.Repository // the same, seen through an empty cache
	opts     *Options
	progress *Progress
	ledger   ledger
	report   *Report
	// whole are packs that were read and found sound, by earlier attempts too, with
	// the chunks in them.
	whole map[format.PackName]*listing

	before  []string // names of outcomes, segments and records in the beginning
	records *repo.Records
	set     *snapshot.Set
	index   *repo.Reader // to be closed
	reader  *repo.Reader // the same behind the gate
	packs   *packTable
	pages   *pageReader
	reading *repo.Reading // of data
	room    uint64        // bytes of each of its windows, at least
	needed  *needs
	losses  *losses
	cured   []format.ID // chunks to be stored again, for the record

	openings openings // of reading

	unlisted *Finding // of the chunks that the index lacks; nil: none

	masked     []format.ShortID // needed chunks that only distrusted hosts list
	distrusted map[format.Host]*repo.StandingRecord
}

func (c *checker) close() error {
	var err error
	if c.pages != nil {
		c.pages.close()
	}
	if c.needed != nil {
		err = c.needed.close()
	}
	if c.index != nil {
		err = errors.Join(err, c.index.Close())
	}
	return err
}

// run goes from what all stands on to the content. What is listed later was
// written earlier: records, snapshots, index, packs.
func (c *checker) run() error {
	var err error
	if c.before, err = c.names(); err != nil {
		return err
	}
	for _, step := range []struct {
		words string
		do    func() error
	}{
		{"roots and key slots", c.checkKeys},
		{"records", c.checkRecords},
		{"snapshots", c.checkSnapshots},
		{"index", c.checkIndex},
		{"packs", c.checkPacks},
		{"trees", c.checkTrees},
		{"data", c.readPacks},
		{"index against trees", c.takeCensus},
		{"what the damage means", c.weigh},
	} {
		c.progress.phase(step.words)
		if err := step.do(); err != nil {
			return err
		}
	}
	return nil
}

// names lists what a backup, forget or prune would change.
func (c *checker) names() ([]string, error) {
	var names []string
	for _, prefix := range []string{format.PrefixManifests, format.PrefixSegments, format.PrefixRecords} {
		for info, err := range c.repo.Store().List(c.ctx, prefix) {
			if err != nil {
				return nil, fmt.Errorf("list %s: %w", prefix, err)
			}
			names = append(names, info.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (c *checker) checkRecords() error {
	var err error
	c.records, err = c.repo.InspectRecords(c.ctx, func(name string, err error) { c.ledger.damaged(name, err) })
	if err == nil {
		c.distrusted = c.records.Distrusted()
	}
	return err
}

// checkSnapshots reads all outcomes.
func (c *checker) checkSnapshots() error {
	set, err := snapshot.List(c.ctx, c.repo, c.records)
	if err != nil {
		return err
	}
	c.set = set
	c.report.Snapshots = len(set.Snapshots)
	for _, session := range set.Revoked {
		c.ledger.add(&Finding{
			Kind: Untrusted, Object: format.ManifestObject(session),
			Detail: "its host was revoked before: the snapshot counts for nothing, and prune will drop it",
		})
	}
	if len(set.Damage) == 0 {
		return nil
	}
	sessions, err := c.repo.OutcomeNames(c.ctx)
	if err != nil {
		return err
	}
	for _, session := range sessions {
		if _, err := c.repo.ReadOutcome(c.ctx, session); errors.Is(err, seal.ErrRevoked) {
			continue
		} else if c.isDamage(err) {
			c.ledger.damaged(format.ManifestObject(session), err).suffers(snapshot.ID(session))
			c.ledger.suffer(snapshot.ID(session))
		} else if err != nil {
			return err
		}
	}
	return nil
}

// checkIndex verifies all segments and opens the index without those that are
// damaged.
func (c *checker) checkIndex() error {
	var bad []*index.BadSegment
	var err error
	c.index, bad, err = c.repo.ReaderWith(c.ctx, c.records)
	if err != nil {
		return err
	}
	c.reader = c.index.Behind(c.opts.Gate)
	for _, b := range bad {
		if !c.isDamage(b.Err) {
			return b
		}
		c.ledger.damaged(b.Name, b.Err)
	}
	c.report.Segments = len(c.reader.View().Segments()) + len(bad)
	return nil
}

// isDamage reports whether an error speaks of stored bytes and not of the way
// to them. A missing key does so too where none is missing: the epoch was altered.
func (c *checker) isDamage(err error) bool {
	return repo.IsDamage(err) || errors.Is(err, seal.ErrNoKey) && c.hasAllKeys()
}

// hasAllKeys reports whether the key ring holds all epochs there are.
func (c *checker) hasAllKeys() bool {
	keys := c.repo.Keys()
	return !slices.ContainsFunc(keys.Root().Epochs, func(e format.Epoch) bool {
		_, err := keys.SegmentContent(e.Number)
		return err != nil
	})
}
