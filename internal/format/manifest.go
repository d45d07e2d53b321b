package format

func (s *Sums) fields(w *wire) {
	w.uint64(1, &s.Entries)
	w.uint64(2, &s.Files)
	w.uint64(3, &s.Bytes)
}

// Add adds the totals of another part of the tree.
func (s *Sums) Add(t Sums) {
	s.Entries += t.Entries
	s.Files += t.Files
	s.Bytes += t.Bytes
}

func (s *Stats) fields(w *wire) {
	w.uint64(1, &s.FilesNew)
	w.uint64(2, &s.FilesChanged)
	w.uint64(3, &s.FilesUnmodified)
	w.uint64(4, &s.BytesRead)
	w.uint64(5, &s.BytesAdded)
	w.uint64(6, &s.BytesStored)
	w.uint64(7, &s.ChunksAdded)
	w.uint64(8, &s.PacksAdded)
}

func (h *Head) fields(w *wire) {
	w.string(1, &h.Session)
	w.array(2, h.Manifest[:])
}

func (p *Problem) fields(w *wire) {
	w.bytes(1, &p.Path)
	w.string(2, &p.Reason)
}

func (m *Manifest) fields(w *wire) {
	w.string(1, &m.Session)
	w.int64(2, &m.Started)
	w.int64(3, &m.Finished)
	w.string(4, &m.Host)
	w.string(5, &m.User)
	w.byteStrings(6, &m.Sources)
	w.strings(7, &m.Tags)
	w.string(8, &m.Description)
	w.optionalID(9, &m.Root)
	w.uint32(10, &m.RootLength)
	message(w, 11, &m.Sums, (*Sums).fields)
	message(w, 12, &m.Stats, (*Stats).fields)
	w.string(13, &m.Parent)
	messages(w, 14, &m.Previous, (*Head).fields)
	messages(w, 15, &m.Seen, (*Head).fields)
	messages(w, 16, &m.Problems, (*Problem).fields)
	w.uint64(17, &m.ProblemCount)
	w.string(18, &m.Program)
	w.strings(19, &m.Options)
	w.string(20, &m.ReplicaOf)
	w.array(21, m.SourceKey[:])

	w.check(len(m.Problems) <= MaxProblems, "a manifest lists too many problems")
	w.check((m.Root == nil) == (m.RootLength == 0), "a tree's root and its length do not go together")
}

// Append appends the manifest's encoding to dst. Of the problems only the
// first MaxProblems are kept; ProblemCount is for the caller to set.
func (m *Manifest) Append(dst []byte) []byte {
	if len(m.Problems) > MaxProblems {
		short := *m
		short.Problems = m.Problems[:MaxProblems]
		m = &short
	}
	return encode(dst, m, (*Manifest).fields)
}

// Decode sets the manifest from its encoding.
func (m *Manifest) Decode(b []byte) error { return decode("manifest", b, m, (*Manifest).fields) }
