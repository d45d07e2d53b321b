package format

func (s *Session) fields(w *wire) {
	w.int64(1, &s.Started)
	w.string(2, &s.Host)
	w.string(3, &s.Program)
	w.string(4, &s.Command)
}

// Append appends the session's encoding to dst.
func (s *Session) Append(dst []byte) []byte { return encode(dst, s, (*Session).fields) }

// Decode sets the session from its encoding.
func (s *Session) Decode(b []byte) error { return decode("session", b, s, (*Session).fields) }

func (h *Heartbeat) fields(w *wire) {
	w.int64(1, &h.Time)
	w.string(2, &h.Activity)
}

// Append appends the heartbeat's encoding to dst.
func (h *Heartbeat) Append(dst []byte) []byte { return encode(dst, h, (*Heartbeat).fields) }

// Decode sets the heartbeat from its encoding.
func (h *Heartbeat) Decode(b []byte) error { return decode("heartbeat", b, h, (*Heartbeat).fields) }

func (t *Tombstone) fields(w *wire) {
	w.int64(1, &t.Time)
	w.string(2, &t.Reason)
}

// Append appends the tombstone's encoding to dst.
func (t *Tombstone) Append(dst []byte) []byte { return encode(dst, t, (*Tombstone).fields) }

// Decode sets the tombstone from its encoding.
func (t *Tombstone) Decode(b []byte) error { return decode("tombstone", b, t, (*Tombstone).fields) }

func (r *Record) fields(w *wire) {
	w.uint32(1, &r.Kind)
	w.int64(2, &r.Time)
	w.packSet(3, &r.CondemnedPacks)
	w.stringSet(4, &r.Forgotten)
	w.packSet(5, &r.DamagedPacks)
	w.idSet(6, &r.DamagedChunks)
	w.strings(7, &r.Reasons)
	w.string(8, &r.Session)
	w.packSet(9, &r.VettedPacks)
	w.stringSet(10, &r.VettedSegments)
	w.hostSet(11, &r.Distrusted)
	w.stringSet(12, &r.Withdrawn)
}

// Append appends the record's encoding to dst. All lists but the reasons are
// sets: they may stand in any order in r.
func (r *Record) Append(dst []byte) []byte { return encode(dst, r, (*Record).fields) }

// Decode sets the record from its encoding; all lists but the reasons ascend.
func (r *Record) Decode(b []byte) error { return decode("record", b, r, (*Record).fields) }

func (d *Decision) fields(w *wire) {
	w.int64(1, &d.Time)
	w.packSet(2, &d.DroppedPacks)
	w.string(3, &d.Record)
}

// Append appends the decision's encoding to dst. The packs are a set: they may
// stand in any order in d.
func (d *Decision) Append(dst []byte) []byte { return encode(dst, d, (*Decision).fields) }

// Decode sets the decision from its encoding; the packs ascend.
func (d *Decision) Decode(b []byte) error { return decode("decision", b, d, (*Decision).fields) }
