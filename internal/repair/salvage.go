package repair

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/tree"
)

// trust says which copies of chunks a new snapshot may rely on.
type trust struct {
	sizes  map[format.PackName]uint64 // of packs on the drive
	masked map[format.PackName]bool
}

func newTrust(ctx context.Context, r *repo.Repository, records *repo.Records) (*trust, error) {
	packs, err := listPacks(ctx, r)
	if err != nil {
		return nil, err
	}
	t := &trust{sizes: map[format.PackName]uint64{}, masked: records.Masked()}
	for name, info := range packs {
		t.sizes[name] = uint64(info.Size)
	}
	return t, nil
}

// sound reports whether nothing is known against a pack and those it stands on.
func (t *trust) sound(p *format.PackInfo) bool {
	if size, there := t.sizes[p.Name]; !there || size != p.Size || t.masked[p.Name] {
		return false
	}
	for _, hash := range p.BasePacks {
		base := format.PackName{Kind: p.Name.Kind, Hash: hash}
		if _, there := t.sizes[base]; !there || t.masked[base] {
			return false
		}
	}
	return true
}

// maxLosses bounds the losses that are named.
const maxLosses = 1000

// salvage goes through a snapshot's tree and finds what is lost of it; what is left
// goes into a new tree, if there is one.
type salvage struct {
	reader *repo.Reader
	trust  *trust
	into   *leftover          // nil: only look
	whole  map[format.ID]bool // pages below which nothing is lost, for who only looks; may be nil
	losses []format.Problem
	lost   uint64
}

// lose notes entries that are beyond saving.
func (w *salvage) lose(key []byte, n uint64, reason string) {
	w.lost += n
	if len(w.losses) < maxLosses {
		w.losses = append(w.losses, format.Problem{Path: bytes.Clone(key), Reason: reason})
	}
}

// isLoss reports whether an error means that something stored is beyond reading.
func isLoss(err error) bool {
	return beyondReading(err) || errors.Is(err, repo.ErrNoChunk) || errors.Is(err, tree.ErrDamaged) || errors.Is(err, tree.ErrPiece)
}

func (w *salvage) tree(ctx context.Context, root tree.Root) error {
	if root.ID == nil {
		return nil
	}
	return w.page(ctx, format.PageItem{Child: *root.ID, ChildLength: root.Length, Sums: root.Sums}, 0)
}

// page goes through a page and all below it.
func (w *salvage) page(ctx context.Context, at format.PageItem, depth int) error {
	if w.into == nil && w.whole[at.Child] {
		return nil
	}
	before := w.lost
	body, err := w.reader.ReadPage(ctx, at.Child, at.ChildLength)
	var p format.Page
	if err == nil {
		err = p.Decode(body)
	}
	if err == nil && depth >= format.MaxTreeDepth {
		err = fmt.Errorf("%w: tree is too deep", format.ErrCorrupt)
	}
	switch {
	case err == nil:
	case isLoss(err):
		w.lose(at.Key, max(1, at.Sums.Entries), fmt.Sprintf("lost with a page of the tree, and all from there on: %d entries", at.Sums.Entries))
		return nil
	default:
		return err
	}
	for i := range p.Items {
		item := &p.Items[i]
		if p.Level > 0 {
			err = w.page(ctx, *item, depth+1)
		} else {
			err = w.entry(ctx, item.Key, item.Entry)
		}
		if err != nil {
			return err
		}
	}
	if w.whole != nil && w.lost == before {
		w.whole[at.Child] = true
	}
	return nil
}

// entry takes an entry over, without attributes that are lost; one whose content is lost, not at all.
func (w *salvage) entry(ctx context.Context, key []byte, e *format.Entry) error {
	switch err := w.content(ctx, e); {
	case err == nil:
	case isLoss(err):
		w.lose(key, 1, "its content is lost")
		return nil
	default:
		return err
	}
	left := *e
	var err error
	if left.Attributes, err = w.attributes(ctx, key, e.Attributes); err != nil {
		return err
	}
	if left.Properties, err = w.attributes(ctx, key, e.Properties); err != nil {
		return err
	}
	if w.into == nil {
		return nil
	}
	if err := w.into.builder.Add(ctx, key, &left); err != nil {
		if errors.Is(err, tree.ErrKey) || errors.Is(err, tree.ErrOrder) || errors.Is(err, tree.ErrEntry) || errors.Is(err, tree.ErrPiece) {
			w.lose(key, 1, "it contradicts the rest of the tree")
			return nil
		}
		return err
	}
	return nil
}

// content makes sure that an entry's content is there, and keeps it from going.
func (w *salvage) content(ctx context.Context, e *format.Entry) error {
	for piece, err := range tree.Content(ctx, w.pages(), e) {
		if err != nil {
			return err
		}
		if piece.Hole {
			continue
		}
		if err := w.chunk(ctx, piece.ID, uint32(piece.Length)); err != nil {
			return err
		}
	}
	return nil
}

// chunk makes sure that a chunk has a sound copy, or can be read all the same: then
// it is stored anew.
func (w *salvage) chunk(ctx context.Context, id format.ID, length uint32) error {
	_, found, err := w.reader.View().Lookup(id, w.trust.sound)
	if err != nil || found {
		return err
	}
	body, err := w.reader.Chunk(ctx, format.KindData, id, length)
	if err != nil || w.into == nil {
		return err
	}
	return w.into.keep(ctx, body)
}

// attributes returns those attributes whose values can be read, with their values in them.
func (w *salvage) attributes(ctx context.Context, key []byte, list []format.Attribute) ([]format.Attribute, error) {
	left := make([]format.Attribute, 0, len(list))
	for i := range list {
		value, err := tree.AttributeValue(ctx, w.reader, &list[i])
		if isLoss(err) {
			w.lose(key, 1, fmt.Sprintf("its attribute %q is lost", list[i].Name))
			continue
		}
		if err != nil {
			return nil, err
		}
		left = append(left, format.Attribute{Name: list[i].Name, Value: value})
	}
	return left, nil
}

// pages reads pages of content lists, and keeps them from going.
func (w *salvage) pages() tree.Reader {
	if w.into == nil {
		return w.reader
	}
	return keptPages{w.reader, w.into.pages}
}

// keptPages stores each page that is read, unless a copy of it counts.
type keptPages struct {
	tree.Reader
	into *repo.PageWriter
}

// ReadPage reads a page and stores it.
func (k keptPages) ReadPage(ctx context.Context, id format.ID, length uint32) ([]byte, error) {
	page, err := k.Reader.ReadPage(ctx, id, length)
	if err != nil {
		return nil, err
	}
	_, err = k.into.WritePage(ctx, page)
	return page, err
}

// leftover is the new tree and what must be stored anew for it.
type leftover struct {
	builder *tree.Builder
	pages   *repo.PageWriter
	blocks  *repo.BlockWriter
	kept    map[format.ID]bool
}

func newLeftover(r *repo.Repository, s *repo.Session) *leftover {
	root, pages := r.Keys().Root(), s.NewPageWriter()
	return &leftover{
		builder: tree.NewBuilder(pages, tree.Shape{
			Min: int(root.PageMin), Mean: int(root.PageMean), Max: int(root.PageMax), CutKey: r.Keys().PageCutKey(),
		}),
		pages: pages, blocks: s.NewBlockWriter(format.KindData), kept: map[format.ID]bool{},
	}
}

// ErrUnrecorded means that a pack is damaged and no record says so, so that what is
// read of it elsewhere would not be stored.
var ErrUnrecorded = errors.New("the drive is damaged in ways that are not recorded yet; run check first")

// keep stores a chunk whose copies are all on the way out.
func (l *leftover) keep(ctx context.Context, chunk []byte) error {
	id, fresh, err := l.blocks.Add(ctx, chunk)
	if err != nil || l.kept[id] {
		return err
	}
	if !fresh {
		return ErrUnrecorded
	}
	l.kept[id] = true
	return nil
}

// finish stores what is left to store.
func (l *leftover) finish(ctx context.Context) (tree.Root, error) {
	root, err := l.builder.Finish(ctx)
	if err != nil {
		return root, err
	}
	if err := l.pages.Flush(ctx); err != nil {
		return root, err
	}
	return root, l.blocks.Flush(ctx)
}
