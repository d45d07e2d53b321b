package repo

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

// InspectRecords reads all records as ReadRecords does, but goes on without
// those that are damaged and tells damaged of each. What it returns is for
// judging the repository only: a record that cannot be read may condemn anything,
// so nothing may be written or deleted by it.
func (r *Repository) InspectRecords(ctx context.Context, damaged func(name string, err error)) (*Records, error) {
	rs := &Records{}
	prunes := map[string]*PruneRecord{}
	var decisions []object.Info
	for info, err := range r.store.List(ctx, format.PrefixRecords) {
		if err != nil {
			return nil, fmt.Errorf("list records: %w", err)
		}
		if strings.HasSuffix(info.Name, format.DecisionName("")) {
			decisions = append(decisions, info)
			continue
		}
		record, signer, err := r.readRecord(ctx, info.Name)
		if err == nil {
			err = rs.file(info, signer, record)
		}
		switch {
		case errors.Is(err, ErrFeature):
			damaged(info.Name, fmt.Errorf("%w: %w", format.ErrVersion, err))
		case errors.Is(err, object.ErrNotFound): // retired between the listing and the reading
		case errors.Is(err, seal.ErrRevoked): // nobody's word
		case IsDamage(err):
			damaged(info.Name, err)
		case err != nil:
			return nil, err
		case record.Kind == format.RecordPrune:
			prunes[info.Name] = pruneRecord(info, signer, record)
		}
	}
	for _, info := range decisions {
		d, err := r.readDecision(ctx, info.Name)
		switch p := prunes[strings.TrimSuffix(info.Name, format.DecisionName(""))]; {
		case errors.Is(err, object.ErrNotFound), errors.Is(err, seal.ErrRevoked):
		case IsDamage(err):
			damaged(info.Name, err)
		case err != nil:
			return nil, err
		case p != nil:
			p.Decision, p.Settled = d, info.Modified
		}
	}
	for _, p := range prunes {
		rs.Prunes = append(rs.Prunes, *p)
	}
	sort.Slice(rs.Prunes, func(i, j int) bool { return rs.Prunes[i].Name < rs.Prunes[j].Name })
	return rs, nil
}

// OpenBlocks opens blocks of a pack that lie in raw, a part of the pack that
// begins at start, and calls visit as Blocks does.
func (rd *Reader) OpenBlocks(ctx context.Context, pack format.PackName, raw []byte, start uint32, blocks []BlockAt, visit func(at BlockAt, content []byte, damage error) error) error {
	content := rangeBuffers.Get().(*[]byte)
	defer rangeBuffers.Put(content)
	for _, b := range blocks {
		out, err := rd.open.content(ctx, pack, window{raw, start}, b, (*content)[:0], 0)
		if err != nil && !isDamage(err) {
			return err
		}
		if err == nil {
			*content = out[:0]
		}
		if err := visit(b, out, err); err != nil {
			return err
		}
	}
	return nil
}
