package index

import "fmt"

// BadSegment is the error for a segment that is listed but cannot be read or
// verified. It wraps the reason: object.ErrNotFound when the segment has
// vanished, seal.ErrUntrusted, seal.ErrDamaged, format.ErrCorrupt, …
type BadSegment struct {
	Name string
	Err  error
}

func (b *BadSegment) Error() string { return fmt.Sprintf("read segment %s: %v", b.Name, b.Err) }

// Unwrap returns the reason.
func (b *BadSegment) Unwrap() error { return b.Err }
