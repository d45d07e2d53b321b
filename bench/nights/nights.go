package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
)

// night is a backup and what it took.
type night struct {
	Night    int    `json:"night"`
	Changed  int    `json:"rows_changed"`
	Added    int    `json:"rows_added"`
	Dump     noted  `json:"dump"`
	Backup   cost   `json:"backup"`
	Stored   int64  `json:"bytes_stored"`      // on the drive, more than before
	Rows     int64  `json:"bytes_of_rows"`     // that were added or changed, compressed by themselves; of the first night none
	Blocks   depths `json:"blocks_by_depth"`   // that are new
	Restored *cost  `json:"restore,omitempty"` // where it was restored

	snapshot string
}

// restored are the nights that are restored on the morning after.
var restored = []int{1, 2, 10, 20, 30}

// samples is how often the first and the last night are restored in the end, in turns.
const samples = 3

// sleep lets nights pass and looks at what is there in the morning.
func sleep(ctx context.Context, p *program, e engine, t *table, nights int) (*report, error) {
	r := newReport(p.version)
	for run := range t.rows(50_000) {
		if err := e.load(ctx, run, nil); err != nil {
			return nil, fmt.Errorf("fill the table: %w", err)
		}
	}
	known := newLedger()
	for number := 1; number <= nights; number++ {
		n := &night{Night: number}
		if err := n.pass(ctx, p, e, t, known); err != nil {
			return nil, fmt.Errorf("night %d: %w", number, err)
		}
		r.Nights = append(r.Nights, n)
		progress("night %d: %.1f MB dumped, %.2f added, rows %.2f, cpu %.1f s, peak %d MB, blocks by depth %v",
			number, float64(n.Dump.Bytes)/1e6, float64(n.Stored)/1e6, float64(n.Rows)/1e6, n.Backup.Processor, n.Backup.Peak>>20, n.Blocks)
	}
	return r, r.morning(ctx, p)
}

// pass lets a day and a night pass.
func (n *night) pass(ctx context.Context, p *program, e engine, t *table, known *ledger) error {
	if n.Night > 1 {
		added, changed := t.live()
		if err := e.load(ctx, added, changed); err != nil {
			return fmt.Errorf("change the table: %w", err)
		}
		n.Added, n.Changed = len(added), len(changed)
		var err error
		if n.Rows, err = compressed(changed, added); err != nil {
			return err
		}
	}
	if err := e.tidy(ctx); err != nil {
		return err
	}
	before, err := p.stored(ctx)
	if err != nil {
		return err
	}
	if n.Backup, n.snapshot, n.Dump, err = p.backUp(ctx, e.dump()); err != nil {
		return err
	}
	after, err := p.stored(ctx)
	if err != nil {
		return err
	}
	n.Stored = after - before
	if n.Blocks, err = known.note(ctx, p); err != nil || !slices.Contains(restored, n.Night) {
		return err
	}
	return n.restore(ctx, p)
}

func (n *night) restore(ctx context.Context, p *program) error {
	c, err := p.restore(ctx, n.snapshot, n.Dump.Digest)
	n.Restored = &c
	return err
}

// morning restores the first and the last night, checks everything, forgets the
// early nights, prunes, and restores the last night again.
func (r *report) morning(ctx context.Context, p *program) error {
	first, last := r.Nights[0], r.Nights[len(r.Nights)-1]
	var ofFirst, ofLast []cost
	for range samples {
		for _, n := range []*night{first, last} {
			if err := n.restore(ctx, p); err != nil {
				return err
			}
		}
		ofFirst, ofLast = append(ofFirst, *first.Restored), append(ofLast, *last.Restored)
	}
	first.Restored, last.Restored = median(ofFirst), median(ofLast)
	var err error
	if r.Check, _, err = p.run(ctx, "check", "--read-data"); err != nil {
		return err
	}
	if r.Whole, err = p.stored(ctx); err != nil {
		return err
	}
	r.Kept = max(len(r.Nights)/3, 1)
	// What is deleted is never deleted in the run that decides it.
	for _, args := range [][]string{{"forget", "--keep-last", strconv.Itoa(r.Kept), "--prune", "--grace", "0"}, {"prune", "--grace", "0"}} {
		c, _, err := p.run(ctx, args...)
		if err != nil {
			return err
		}
		r.Prune = r.Prune.and(c)
	}
	if r.Left, err = p.stored(ctx); err != nil {
		return err
	}
	r.Pruned, err = p.restore(ctx, last.snapshot, last.Dump.Digest)
	return err
}

// and is what two commands took, one after the other.
func (c cost) and(d cost) cost {
	return cost{c.Wall + d.Wall, c.Processor + d.Processor, max(c.Peak, d.Peak),
		requests{c.Requests.Total + d.Requests.Total, c.Requests.In + d.Requests.In, c.Requests.Out + d.Requests.Out}}
}

// median is the cost with the median of processor time, which other programs on the machine
// disturb less than the wall's.
func median(costs []cost) *cost {
	slices.SortFunc(costs, func(a, b cost) int {
		if a.Processor < b.Processor {
			return -1
		}
		return 1
	})
	return &costs[len(costs)/2]
}
