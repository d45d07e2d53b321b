package tree

import (
	"bytes"
	"context"

	"firn/internal/format"
)

// Sum returns the totals of a prefix, which means what it means for Range. It
// reads only the pages that hold keys on both sides of the prefix's borders.
func Sum(ctx context.Context, r Reader, root Root, prefix []byte) (format.Sums, error) {
	var total format.Sums
	if root.ID == nil {
		return total, nil
	}
	if len(prefix) == 0 {
		return root.Sums, nil
	}
	for _, s := range spansOf(prefix) {
		part, err := sumSpan(ctx, r, promiseOfRoot(root), s)
		if err != nil {
			return format.Sums{}, err
		}
		total, _ = addSums(total, part) // spans are distinct parts of root.Sums
	}
	return total, nil
}

// sumSpan returns the totals of the part of a page that is in the span.
func sumSpan(ctx context.Context, r Reader, want promise, s span) (format.Sums, error) {
	var total format.Sums
	var page format.Page
	if err := load(ctx, r, &want, &page); err != nil {
		return total, err
	}
	for i := range page.Items {
		part, err := sumItem(ctx, r, &page, i, want.end, s)
		if err != nil {
			return total, err
		}
		total, _ = addSums(total, part) // load has seen that all items together fit
	}
	return total, nil
}

// sumItem returns the totals of the part of an item that is in the span, reading
// on only where the item stands on the border.
func sumItem(ctx context.Context, r Reader, p *format.Page, i int, end []byte, s span) (format.Sums, error) {
	item := &p.Items[i]
	if p.Level == 0 {
		if !s.contains(item.Key) {
			return format.Sums{}, nil
		}
		return sumsOf(item.Entry), nil
	}
	child := promiseOf(p, i, end)
	switch {
	case s.high != nil && bytes.Compare(child.first, s.high) >= 0,
		child.end != nil && bytes.Compare(child.end, s.low) <= 0:
		return format.Sums{}, nil
	case bytes.Compare(child.first, s.low) >= 0 &&
		(s.high == nil || child.end != nil && bytes.Compare(child.end, s.high) <= 0):
		return child.sums, nil
	}
	return sumSpan(ctx, r, child, s)
}
