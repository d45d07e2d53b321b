package prune

import (
	"context"
	"fmt"
	"slices"
	"time"

	"firn/internal/format"
	"firn/internal/index"
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
	records, err := p.repo.ReadRecords(ctx)
	if err != nil {
		return err
	}
	rd, bad, err := p.repo.NewReader(ctx)
	if err != nil {
		return err
	}
	defer rd.Close() //nolint:errcheck // nothing was written through it
	if len(bad) > 0 {
		return fmt.Errorf("index segment %s cannot be read; repair it first: %w", bad[0].Name, bad[0].Err)
	}
	segments := rd.View().Segments()
	replaced := replacedBy(segments)
	if err := p.deleteReplaced(ctx, replaced); err != nil {
		return err
	}
	dropped := records.Dropped()
	all := p.muchDropped(rd.View(), dropped)
	var small []string
	for _, s := range segments {
		if _, gone := replaced[s.Name]; !gone && (all || s.Entries < smallSegment) {
			small = append(small, s.Name)
		}
	}
	if len(small) == 0 || len(small) < mergeFrom && !all {
		return nil
	}
	slices.Sort(small)
	p.opts.Progress(fmt.Sprintf("merging %d index segments", len(small)))
	drop := func(info *format.PackInfo) bool { return dropped[info.Name] }
	err = rd.View().Compact(ctx, p.repo.Keys(), small, drop, p.repo.Now(), func(name string, body []byte) error {
		return p.session.PutSegment(ctx, name, body)
	})
	if err != nil {
		return fmt.Errorf("merge index segments: %w", err)
	}
	p.report.Merged = len(small)
	return nil
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
