package tree

import (
	"bytes"
	"context"

	"firn/internal/format"
)

// anyLevel is the level of a page of which nothing is promised: a root's.
const anyLevel = -1

// promise is what is known of a page before it is read, from its parent or the root.
type promise struct {
	id     format.ID
	length uint32
	level  int    // or anyLevel
	first  []byte // its first key; nil for a root
	end    []byte // its keys are below this; nil: no bound
	sums   format.Sums
}

func promiseOfRoot(root Root) promise {
	return promise{id: *root.ID, length: root.Length, level: anyLevel, sums: root.Sums}
}

// promiseOf returns what an inner page, whose keys are below end, says of its i-th child.
func promiseOf(p *format.Page, i int, end []byte) promise {
	item := &p.Items[i]
	if i+1 < len(p.Items) {
		end = p.Items[i+1].Key
	}
	return promise{
		id: item.Child, length: item.ChildLength, level: int(p.Level) - 1,
		first: item.Key, end: end, sums: item.Sums,
	}
}

// load reads a page into p and believes it only if it keeps its promise. All
// errors but those of the context are *PageError.
func load(ctx context.Context, r Reader, want *promise, p *format.Page) error {
	b, err := readPage(ctx, r, want.id, want.length)
	if err != nil {
		return err
	}
	if err = p.Decode(b); err != nil {
		err = damaged("%w", err)
	} else {
		err = want.check(p)
	}
	if err != nil {
		return &PageError{ID: want.id, Err: err}
	}
	return nil
}

// readPage reads the bytes of a tree or sequence page.
func readPage(ctx context.Context, r Reader, id format.ID, length uint32) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if length > format.MaxChunk {
		return nil, &PageError{ID: id, Err: damaged("it is said to have %d bytes", length)}
	}
	b, err := r.ReadPage(ctx, id, length)
	if err == nil && len(b) != int(length) {
		err = damaged("it has %d bytes, %d are promised", len(b), length)
	}
	if err != nil {
		return nil, &PageError{ID: id, Err: err}
	}
	return b, nil
}

// check returns an error matching ErrDamaged unless the page is what was
// promised and its items are valid. Decode has refused what has no items, too
// high a level or keys that do not ascend.
func (want *promise) check(p *format.Page) error {
	switch {
	case want.level != anyLevel && int(p.Level) != want.level:
		return damaged("it is of level %d, not %d", p.Level, want.level)
	case want.first != nil && !bytes.Equal(p.Items[0].Key, want.first):
		return damaged("it begins with %q, not %q", p.Items[0].Key, want.first)
	}
	var total format.Sums
	for i := range p.Items {
		item := &p.Items[i]
		sums, err := checkPageItem(p.Level, item)
		if err != nil {
			return damaged("%w", err)
		}
		var ok bool
		if total, ok = addSums(total, sums); !ok {
			return damaged("its sums exceed 64 bits")
		}
	}
	if last := p.Items[len(p.Items)-1].Key; want.end != nil && bytes.Compare(last, want.end) >= 0 {
		return damaged("it holds %q, its keys end before %q", last, want.end)
	}
	if total != want.sums {
		return damaged("its sums are %+v, %+v are promised", total, want.sums)
	}
	return nil
}

// checkPageItem returns the sums of a valid item.
func checkPageItem(level uint8, item *format.PageItem) (format.Sums, error) {
	if level > 0 {
		return item.Sums, CheckKey(item.Key)
	}
	return sumsOf(item.Entry), checkItem(item.Key, item.Entry)
}
