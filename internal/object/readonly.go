package object

import "context"

type readOnly struct{ Store }

// ReadOnly wraps s so that Put and Delete fail with ErrReadOnly and never
// reach it.
func ReadOnly(s Store) Store { return readOnly{s} }

func (r readOnly) Put(_ context.Context, name string, _ []byte, _ PutOptions) (Info, error) {
	return Info{}, fail("put", name, ErrReadOnly)
}

func (r readOnly) Delete(_ context.Context, names ...string) error {
	return failEach("delete", names, ErrReadOnly)
}
