package prune

import (
	"context"
	"fmt"
	"slices"
	"time"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/repo"
)

// Segments are merged when there are this many small ones.
const (
	mergeFrom    = 10
	smallSegment = 1 << 20 // entries
	inputsStay   = 24 * time.Hour
	droppedShare = 5 // a fifth
)

// mergeSegments is step 7: small segments become one, without what published
// decisions drop; inputs go a day after the segment that replaces them came.
func (p *pruner) mergeSegments(ctx context.Context) error {
	if p.cramped {
		return nil
	}
	records, err := p.repo.ReadRecords(ctx)
	if err != nil {
		return err
	}
	rd, err := p.openIndex(ctx, records)
	if err != nil {
		return err
	}
	defer rd.Close() //nolint:errcheck // nothing was written through it
	segments := rd.View().Segments()
	replaced := replacedBy(segments)
	if err := p.deleteReplaced(ctx, replaced); err != nil {
		return err
	}
	segments = slices.DeleteFunc(segments, func(s index.SegmentInfo) bool { return replaced[s.Name] != "" })
	inputs, err := p.worthMerging(rd.View(), p.mergeable(segments, records), records)
	if err != nil || len(inputs) == 0 {
		return err
	}
	groups, err := p.apart(rd.View(), inputs, records)
	if err != nil {
		return err
	}
	for i := range groups {
		if err := p.merge(ctx, rd.View(), &groups[i], records.Dropped()); err != nil {
			return err
		}
	}
	return nil
}

// merge makes one group of segments into few, without packs that are dropped.
func (p *pruner) merge(ctx context.Context, view *index.View, g *mergeGroup, dropped map[format.PackName]bool) error {
	p.opts.Progress(fmt.Sprintf("merging %d index segments", len(g.inputs)))
	var outputs []string
	drop := func(info *format.PackInfo) bool { return dropped[info.Name] }
	err := view.Compact(ctx, p.repo.Keys(), g.inputs, drop, p.repo.Now(), func(name string, body []byte) error {
		outputs = append(outputs, name)
		return p.session.PutSegment(ctx, name, body)
	})
	if err == nil {
		err = p.vetMerged(ctx, g, outputs)
	}
	if err != nil {
		return fmt.Errorf("merge index segments: %w", err)
	}
	p.report.Merged += len(g.inputs)
	return nil
}

// worthMerging chooses the segments to merge: all, when much of what they name is
// gone; else the small ones, when there are many; and those that keep a record from
// being retired.
func (p *pruner) worthMerging(view *index.View, segments []index.SegmentInfo, records *repo.Records) ([]string, error) {
	all := p.muchDropped(view, records.Dropped())
	small := 0
	for _, s := range segments {
		if s.Entries < smallSegment {
			small++
		}
	}
	overdue := p.overdue(records)
	var chosen []string
	for _, s := range segments {
		if all || small >= mergeFrom && s.Entries < smallSegment {
			chosen = append(chosen, s.Name)
			continue
		}
		packs, err := view.PacksOf(s.Name)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(packs, func(info *format.PackInfo) bool { return overdue[info.Name] }) {
			chosen = append(chosen, s.Name)
		}
	}
	return chosen, nil
}

// overdue holds the packs of records that are old enough to be retired.
func (p *pruner) overdue(records *repo.Records) map[format.PackName]bool {
	packs := map[format.PackName]bool{}
	for i := range records.Prunes {
		if r := &records.Prunes[i]; r.Decision != nil && p.now.Sub(r.Settled) > retireAfter {
			for _, name := range r.Decision.DroppedPacks {
				packs[name] = true
			}
		}
	}
	return packs
}

// muchDropped reports whether so many of the packs the index names are gone
// that it pays to write all of it anew.
func (p *pruner) muchDropped(view *index.View, dropped map[format.PackName]bool) bool {
	var total, gone int
	for info := range view.Packs() {
		total++
		if _, there := p.sizes[info.Name]; !there && dropped[info.Name] {
			gone++
		}
	}
	return gone*droppedShare > total
}

// replacedBy maps segments that others name as inputs to one of those.
func replacedBy(segments []index.SegmentInfo) map[string]string {
	replaced := map[string]string{}
	for _, s := range segments {
		for _, input := range s.Inputs {
			replaced[input] = s.Name
		}
	}
	return replaced
}

// deleteReplaced removes inputs of merges that are a day old.
func (p *pruner) deleteReplaced(ctx context.Context, replaced map[string]string) error {
	modified := map[string]time.Time{}
	for info, err := range p.repo.Store().List(ctx, "x/") {
		if err != nil {
			return fmt.Errorf("list index: %w", err)
		}
		modified[info.Name] = info.Modified
	}
	var old []string
	for input, by := range replaced {
		_, there := modified[input]
		since, replaces := modified[by]
		if there && replaces && p.now.Sub(since) > inputsStay {
			old = append(old, input)
		}
	}
	slices.Sort(old)
	return p.delete(ctx, old)
}
