package cost

import (
	"slices"
	"strings"

	"firn/internal/object"
	"firn/internal/price"
	"firn/internal/storageconfig"
)

// way is from one class to another.
type way struct{ from, to string }

// Moving is what it costs to have the server copy packs into other classes: once,
// and what they cost a month before and after.
func Moving(t Terms, moves []storageconfig.Move) (once, before, after *Estimate) {
	once = t.begin()
	was, will := &Inventory{holdings: map[shelf]*Holding{}}, &Inventory{holdings: map[shelf]*Holding{}}
	ways := map[way][]object.Info{}
	for _, m := range moves {
		w := way{t.Sheet.Class(m.Pack.Class).Name, m.To}
		ways[w] = append(ways[w], m.Pack)
		was.hold(m.Pack)
		moved := m.Pack
		moved.Class = m.To
		will.hold(moved)
	}
	var order []way
	for w := range ways {
		order = append(order, w)
	}
	slices.SortFunc(order, func(a, b way) int { return strings.Compare(a.from+" "+a.to, b.from+" "+b.to) })
	for _, w := range order {
		t.move(once, w, ways[w])
	}
	return once, was.Month(t), will.Month(t)
}

// move adds what it costs to move packs one way.
func (t *Terms) move(e *Estimate, w way, packs []object.Info) {
	from, to := t.Sheet.Class(w.from), t.Sheet.Class(w.to)
	n, bytes, early := int64(len(packs)), int64(0), Item{Kind: EarlyDeletion, Class: w.from, What: "leaving " + w.from + " before its time"}
	for _, info := range packs {
		bytes += info.Size
		if fee, until := Early(t.Sheet, info, t.Now); !until.IsZero() {
			early.Count++
			early.Bytes += info.Size
			early.Amount += fee
		}
	}
	e.add(Item{Kind: Requests, Class: w.to, What: "COPY from " + w.from, Count: n, Bytes: bytes, Amount: price.Requests(n, to.PerThousandCopy)})
	if from.RetrievalPerGB != 0 { // or is not known
		e.add(Item{Kind: Retrieval, Class: w.from, What: "retrieval", Bytes: bytes, Amount: e.Sheet.PerGB(bytes, from.RetrievalPerGB)})
	}
	e.add(early)
}
