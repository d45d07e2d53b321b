package format

import (
	"bytes"
	"slices"
)

func (s *Spill) fields(w *wire) {
	w.array(1, s.Root[:])
	w.uint32(2, &s.Length)
	w.uint32(3, &s.Level)
	w.check(s.Length > 0 && s.Length <= MaxPage && s.Level < MaxTreeDepth, "a sequence's root is out of bounds")
}

func (a *Attribute) fields(w *wire) {
	w.bytes(1, &a.Name)
	w.bytes(2, &a.Value)
	optional(w, 3, &a.Spilled, (*Spill).fields)
	w.check(len(a.Value) == 0 || a.Spilled == nil, "an attribute is both inline and spilled")
}

func (e *Entry) fields(w *wire) {
	w.uint32(1, &e.Type)
	w.uint32(2, &e.Mode)
	w.uint64(3, &e.UID)
	w.uint64(4, &e.GID)
	w.string(5, &e.User)
	w.string(6, &e.Group)
	w.sint64(7, &e.MTime)
	w.uint32(8, &e.MTimeNS)
	w.sint64(9, &e.CTime)
	w.uint32(10, &e.CTimeNS)
	w.uint64(11, &e.Inode)
	w.uint64(12, &e.Device)
	w.uint64(13, &e.Links)
	w.uint64(14, &e.Size)
	w.bytes(15, &e.Target)
	w.uint64(16, &e.Rdev)
	w.attributes(&e.Attributes)
	w.content(18, &e.Content)
	optional(w, 19, &e.Spilled, (*Spill).fields)
	messages(w, 20, &e.Properties, (*Attribute).fields)
	w.uint32(21, &e.Flags)

	w.check(e.Type != 0, "an entry has no type")
	w.check(len(e.Content) == 0 || e.Spilled == nil, "an entry's content is both inline and spilled")
}

// attributes is field 17 of an entry, ascending by name.
func (w *wire) attributes(list *[]Attribute) {
	byName := func(a, b Attribute) int { return bytes.Compare(a.Name, b.Name) }
	if w.encoding && !slices.IsSortedFunc(*list, byName) {
		sorted := slices.Clone(*list)
		slices.SortStableFunc(sorted, byName)
		list = &sorted
	}
	messages(w, 17, list, (*Attribute).fields)
	w.check(slices.IsSortedFunc(*list, byName), "attributes do not ascend")
}

// Append appends the entry's encoding to dst. Attributes may stand in any
// order in e.
func (e *Entry) Append(dst []byte) []byte { return encode(dst, e, (*Entry).fields) }

// Decode sets the entry from its encoding; attributes ascend by name.
func (e *Entry) Decode(b []byte) error { return decode("entry", b, e, (*Entry).fields) }
