package index

import "sync"

// keptMost is how many entry pages of far segments are kept: 15 MiB.
const keptMost = 256

// pageKey names an entry page of a far segment.
type pageKey struct {
	segment *farSegment
	number  int
}

// keptPages keeps the entry pages read last. One that several look-ups want is read once.
type keptPages struct {
	mu    sync.Mutex
	pages map[pageKey]*keptPage // guarded by mu
	order []pageKey             // guarded by mu: oldest first
}

type keptPage struct {
	once  sync.Once
	bytes []byte
	err   error
}

// get returns a page, read unless it is kept. A failure is not.
func (k *keptPages) get(key pageKey, read func() ([]byte, error)) ([]byte, error) {
	p := k.take(key)
	p.once.Do(func() { p.bytes, p.err = read() })
	if p.err != nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.pages[key] == p {
			delete(k.pages, key)
		}
	}
	return p.bytes, p.err
}

// take returns a page's place, made if need be for that of the oldest one.
func (k *keptPages) take(key pageKey) *keptPage {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p := k.pages[key]; p != nil {
		return p
	}
	if k.pages == nil {
		k.pages = make(map[pageKey]*keptPage)
	}
	if len(k.order) == keptMost {
		delete(k.pages, k.order[0])
		k.order = append(k.order[:0], k.order[1:]...)
	}
	p := new(keptPage)
	k.pages[key] = p
	k.order = append(k.order, key)
	return p
}
