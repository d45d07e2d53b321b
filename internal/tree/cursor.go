package tree

import (
	"bytes"
	"context"
	"sort"

	"firn/internal/format"
)

// prefetchWindow is how many pages ahead a walk tells a Prefetcher.
const prefetchWindow = 16

// cursor stands at an item of a tree, which is an entry or a subtree that has
// not been read yet. It decodes pages into the memory of earlier ones of the
// same depth.
type cursor struct {
	ctx        context.Context // of the call the cursor lives in
	reader     Reader
	prefetcher Prefetcher // nil: none
	high       []byte     // no page from this key on is prefetched; nil: no bound
	frames     []*frame   // from the root down; those behind depth are spare
	depth      int
	ids        []format.ID // for the prefetcher
}

// frame is the cursor's place in one page.
type frame struct {
	page      format.Page
	end       []byte // exclusive bound of the page's keys; nil: none
	at        int
	announced int // the items before it have been prefetched
}

func newCursor(ctx context.Context, r Reader) *cursor {
	return &cursor{ctx: ctx, reader: r}
}

// open reports whether the cursor stands at an item; if not, it is at the end.
func (c *cursor) open() bool { return c.depth > 0 }

func (c *cursor) top() *frame { return c.frames[c.depth-1] }

// item returns where the cursor stands, valid until it moves.
func (c *cursor) item() *format.PageItem {
	f := c.top()
	return &f.page.Items[f.at]
}

// level returns the level of the page the item is in; at 0 the item is an entry.
func (c *cursor) level() int { return int(c.top().page.Level) }

// spare returns the frame for the next deeper page.
func (c *cursor) spare() *frame {
	if c.depth == len(c.frames) {
		c.frames = append(c.frames, new(frame))
	}
	f := c.frames[c.depth]
	f.at, f.announced, f.end = 0, 0, nil
	return f
}

// enter reads a page and stands at its first item.
func (c *cursor) enter(want promise) error {
	f := c.spare()
	if err := load(c.ctx, c.reader, &want, &f.page); err != nil {
		return err
	}
	f.end = want.end
	c.depth++
	return nil
}

// descend reads the subtree the cursor stands at and stands at its first item.
func (c *cursor) descend() error {
	f := c.top()
	c.announce(f)
	return c.enter(promiseOf(&f.page, f.at, f.end))
}

// advance goes to the item behind the current one and all that is below it.
func (c *cursor) advance() {
	for c.depth > 0 {
		f := c.top()
		if f.at++; f.at < len(f.page.Items) {
			return
		}
		c.depth--
	}
}

// seek goes to the first entry whose key is not below key.
func (c *cursor) seek(root Root, key []byte) error {
	c.depth = 0
	if root.ID == nil {
		return nil
	}
	if err := c.enter(promiseOfRoot(root)); err != nil {
		return err
	}
	for {
		f := c.top()
		// The first item above key; the subtree before it may hold key.
		f.at = sort.Search(len(f.page.Items), func(i int) bool { return bytes.Compare(f.page.Items[i].Key, key) > 0 })
		if f.at > 0 && (f.page.Level > 0 || bytes.Equal(f.page.Items[f.at-1].Key, key)) {
			f.at--
		}
		if f.page.Level == 0 {
			break
		}
		if err := c.descend(); err != nil {
			return err
		}
	}
	if f := c.top(); f.at == len(f.page.Items) {
		c.advance()
	}
	return nil
}

// announce tells the prefetcher which subtrees follow the current one.
func (c *cursor) announce(f *frame) {
	if c.prefetcher == nil || f.at+prefetchWindow/2 < f.announced {
		return
	}
	c.ids = c.ids[:0]
	f.announced = max(f.announced, f.at+1)
	for ; f.announced < min(f.at+1+prefetchWindow, len(f.page.Items)); f.announced++ {
		item := &f.page.Items[f.announced]
		if c.high != nil && bytes.Compare(item.Key, c.high) >= 0 {
			break
		}
		c.ids = append(c.ids, item.Child)
	}
	if len(c.ids) > 0 {
		c.prefetcher.Prefetch(c.ids)
	}
}
