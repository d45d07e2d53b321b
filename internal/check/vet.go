package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/repo"
)

// vet vouches for the packs that were read and found right: every chunk in them is what
// its ID says, and every place that the index names in them holds what it says. The record
// names the segments that say so, and covers nothing that is written later.
func (c *checker) vet() error {
	right := map[format.PackName]bool{}
	for _, p := range c.packs.order {
		opened := p.info.Name.Kind == format.KindMeta || c.repo.Keys().ReadsData()
		if p.footer != nil && *p.footer == p.listing && p.fault == nil && !p.dropped && opened {
			right[p.info.Name] = true
		}
	}
	known := c.records.Vetted()
	packs, segments := map[format.PackName]bool{}, map[string]bool{}
	err := c.index.View().Listings(func(l index.Listing) {
		if right[l.Pack.Name] && !known.Has(l.Origin.Segment, l.Pack.Name) {
			packs[l.Pack.Name] = true
		}
	})
	if err == nil {
		err = c.index.View().Listings(func(l index.Listing) {
			segments[l.Origin.Segment] = segments[l.Origin.Segment] || packs[l.Pack.Name]
		})
	}
	if err != nil {
		return err
	}
	maps.DeleteFunc(segments, func(_ string, lists bool) bool { return !lists })
	record := format.Record{
		Kind: format.RecordVetting, Time: c.origin.Now().UnixNano(), VettedSegments: slices.Sorted(maps.Keys(segments)),
	}
	names := slices.SortedFunc(maps.Keys(packs), format.PackName.Compare)
	for record.VettedPacks = range slices.Chunk(names, repo.VettedPerRecord) {
		if _, err := c.origin.WriteRecord(c.ctx, &record); err != nil {
			return err
		}
		c.report.Vetted += len(record.VettedPacks)
	}
	return nil
}

// whoMasks says why chunks are masked.
func (c *checker) whoMasks() string {
	var hosts []string
	for _, host := range slices.SortedFunc(maps.Keys(c.distrusted), format.Host.Compare) {
		hosts = append(hosts, host.String())
	}
	return fmt.Sprintf("distrusted hosts alone have stored it (%s): back up again, and others' sources are stored anew", strings.Join(hosts, ", "))
}

// tellMasked enters the finding if snapshots of others rest on what is masked.
func (c *checker) tellMasked(f *Finding) {
	if f.SnapshotCount > 0 {
		c.ledger.add(f)
	}
}
