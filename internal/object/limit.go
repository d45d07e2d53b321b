package object

import "context"

// Limit wraps s so that Put sends within up, and Get and GetRange receive within down. Bodies are
// whole, so that the limits hold on average: a body waits for its turn and is then sent at full speed, and a
// call that has received what it did not know the size of returns late. Stores that can hold themselves
// back while a body is on its way do better.
func Limit(s Store, up, down Bandwidths) Store {
	if !up.limits() && !down.limits() {
		return s
	}
	return &limited{Store: s, up: up, down: down}
}

type limited struct {
	Store
	up, down Bandwidths
}

// Get implements Store.
func (l *limited) Get(ctx context.Context, name string, limit int64) ([]byte, Info, error) {
	body, info, err := l.Store.Get(ctx, name, limit)
	if err == nil { // the size was not known before
		_, err = l.down.Pass(ctx, len(body))
		err = fail("get", name, err)
	}
	if err != nil {
		return nil, Info{}, err
	}
	return body, info, nil
}

// GetRange implements Store.
func (l *limited) GetRange(ctx context.Context, name string, p []byte, offset int64) error {
	if _, err := l.down.Pass(ctx, len(p)); err != nil {
		return fail("get", name, err)
	}
	return l.Store.GetRange(ctx, name, p, offset)
}

// Put implements Store.
func (l *limited) Put(ctx context.Context, name string, body []byte, opts PutOptions) (Info, error) {
	if _, err := l.up.Pass(ctx, len(body)); err != nil {
		return Info{}, fail("put", name, err)
	}
	return l.Store.Put(ctx, name, body, opts)
}
