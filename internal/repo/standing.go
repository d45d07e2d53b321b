package repo

import "firn/internal/format"

// standing returns what the index says of a pack that deltas stand on; nil if it
// does not have it, or as long as it is not all in the local cache: that costs requests
// only.
func (rd *Reader) standing(name format.PackName) *format.PackInfo {
	if !rd.view.IsComplete() {
		return nil
	}
	rd.bases.Do(func() {
		wanted := map[format.PackName]bool{}
		for info := range rd.view.Packs() {
			for _, hash := range info.BasePacks {
				wanted[format.PackName{Kind: info.Name.Kind, Hash: hash}] = true
			}
		}
		rd.bases.packs = make(map[format.PackName]*format.PackInfo, len(wanted))
		if len(wanted) == 0 {
			return
		}
		for info := range rd.view.Packs() {
			if wanted[info.Name] {
				rd.bases.packs[info.Name] = info
			}
		}
	})
	return rd.bases.packs[name]
}

// sizeOf returns how large a pack that deltas stand on is, bytes; 0 if the index does not
// have it.
func (rd *Reader) sizeOf(name format.PackName) uint64 {
	if info := rd.standing(name); info != nil {
		return info.Size
	}
	return 0
}
