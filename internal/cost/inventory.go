package cost

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"firn/internal/format"
	"firn/internal/object"
)

// Inventory is what a drive's listing tells of a repository's objects.
type Inventory struct {
	Listings int64 // requests that the listing took
	holdings map[shelf]*Holding
	packs    map[format.PackName]object.Info
}

// shelf is where objects are counted together.
type shelf struct {
	class string
	data  bool
}

// Holding are objects of one class, data packs apart from all else.
type Holding struct {
	Class   string // "" where the drive has none
	Data    bool   // data packs
	Objects int64
	Bytes   int64
	sizes   map[int64]int64 // how many there are of each size below smallest
}

// smallest bounds the sizes that are kept one by one: below it, vendors charge for
// objects as if they were larger. Few sizes are that small.
const smallest = 1 << 20

// perPage is how many objects one request of a listing tells of.
const perPage = 1000

// Take lists all objects of a repository.
func Take(ctx context.Context, s object.Store) (*Inventory, error) {
	inv := &Inventory{holdings: map[shelf]*Holding{}, packs: map[format.PackName]object.Info{}}
	objects := int64(0)
	for info, err := range s.List(ctx, "") {
		if err != nil {
			return nil, fmt.Errorf("list the drive: %w", err)
		}
		objects++
		inv.take(info)
	}
	inv.Listings = max(1, (objects+perPage-1)/perPage)
	return inv, nil
}

func (inv *Inventory) take(info object.Info) {
	if name, err := format.ParsePackName(info.Name); err == nil {
		inv.packs[name] = info
	}
	inv.hold(info)
}

// hold counts an object where it lies.
func (inv *Inventory) hold(info object.Info) {
	at := shelf{info.Class, strings.HasPrefix(info.Name, format.PrefixData)}
	h := inv.holdings[at]
	if h == nil {
		h = &Holding{Class: at.class, Data: at.data, sizes: map[int64]int64{}}
		inv.holdings[at] = h
	}
	h.take(info)
}

func (h *Holding) take(info object.Info) {
	h.Objects++
	h.Bytes += info.Size
	if info.Size < smallest {
		h.sizes[info.Size]++
	}
}

// charged is how many bytes are charged for where none is charged for less than
// least.
func (h *Holding) charged(least int64) int64 {
	bytes := h.Bytes
	for size, n := range h.sizes {
		bytes += n * max(0, least-size)
	}
	return bytes
}

// Holdings returns what there is, data packs first.
func (inv *Inventory) Holdings() []Holding {
	list := make([]Holding, 0, len(inv.holdings))
	for _, h := range inv.holdings {
		list = append(list, *h)
	}
	slices.SortFunc(list, func(a, b Holding) int {
		if a.Data != b.Data {
			if a.Data {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Class, b.Class)
	})
	return list
}

// Pack returns what the listing told of a pack.
func (inv *Inventory) Pack(name format.PackName) (object.Info, bool) {
	info, ok := inv.packs[name]
	return info, ok
}

// Packs yields all packs in order of their names.
func (inv *Inventory) Packs() iter.Seq2[format.PackName, object.Info] {
	return func(yield func(format.PackName, object.Info) bool) {
		for _, name := range slices.SortedFunc(maps.Keys(inv.packs), format.PackName.Compare) {
			if !yield(name, inv.packs[name]) {
				return
			}
		}
	}
}

// Month is what all there is costs a month.
func (inv *Inventory) Month(t Terms) *Estimate {
	e := t.begin()
	for _, h := range inv.Holdings() {
		c := t.Sheet.Class(h.Class)
		what := "all else"
		if h.Data {
			what = "data packs"
		}
		bytes := h.charged(c.MinimumBytes)
		e.add(Item{
			Kind: Storage, Class: c.Name, What: what, Count: h.Objects, Bytes: bytes,
			Amount: t.Sheet.Storage(h.Class, h.Objects, bytes, month),
		})
	}
	return e
}
