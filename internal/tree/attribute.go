package tree

import (
	"context"
	"fmt"

	"firn/internal/format"
)

// A spilled value is a sequence of metadata chunks of attributePiece bytes, the
// last one shorter.
const (
	attributePiece = 1 << 20
	attributeMax   = 64 << 20 // bytes of a value
)

// spillAttributes returns the entry with the values that are too many bytes to
// be kept inline spilled; the entry itself when there are none.
func spillAttributes(ctx context.Context, w Writer, e *format.Entry) (*format.Entry, error) {
	attributes, err := spillValues(ctx, w, e.Attributes)
	if err != nil {
		return nil, err
	}
	properties, err := spillValues(ctx, w, e.Properties)
	if err != nil {
		return nil, err
	}
	if attributes == nil && properties == nil {
		return e, nil
	}
	spilled := *e
	if attributes != nil {
		spilled.Attributes = attributes
	}
	if properties != nil {
		spilled.Properties = properties
	}
	return &spilled, nil
}

// spillValues returns a list in which the values that would take the list over
// InlineAttributes bytes are spilled; nil when all fit.
func spillValues(ctx context.Context, w Writer, list []format.Attribute) ([]format.Attribute, error) {
	var changed []format.Attribute
	inline := 0
	for i := range list {
		size := len(list[i].Value)
		if inline+size <= InlineAttributes {
			inline += size
			continue
		}
		spill, err := writeValue(ctx, w, list[i].Value)
		if err != nil {
			return nil, fmt.Errorf("write attribute %q: %w", list[i].Name, err)
		}
		if changed == nil {
			changed = append(changed, list...)
		}
		changed[i].Value, changed[i].Spilled = nil, spill
	}
	return changed, nil
}

// writeValue writes a value, which must not be empty, as a sequence.
func writeValue(ctx context.Context, w Writer, value []byte) (*format.Spill, error) {
	b := sequenceBuilder{writer: w}
	for len(value) > 0 {
		n := min(len(value), attributePiece)
		id, err := w.WritePage(ctx, value[:n])
		if err != nil {
			return nil, err
		}
		if err := b.addPiece(ctx, format.Piece{Length: uint64(n), ID: id}); err != nil {
			return nil, err
		}
		value = value[n:]
	}
	return b.finish(ctx)
}

// AttributeValue returns an attribute's value, inline or spilled. Errors are the
// context's or a *PageError; a value of over 64 MiB is damage.
func AttributeValue(ctx context.Context, r Reader, a *format.Attribute) ([]byte, error) {
	if a.Spilled == nil {
		return a.Value, nil
	}
	var value []byte
	var failure error
	s := sequence{ctx: ctx, reader: r}
	s.piece = func(x Extent) bool {
		switch {
		case x.Hole || x.Offset%attributePiece != 0:
			failure = damaged("a spilled attribute is not in pieces of %d bytes", attributePiece)
		case x.Offset+x.Length > attributeMax:
			failure = damaged("a spilled attribute has over %d bytes", attributeMax)
		}
		if failure != nil {
			failure = &PageError{ID: a.Spilled.Root, Err: failure}
			return false
		}
		var part []byte
		part, failure = readPage(ctx, r, x.ID, uint32(x.Length))
		value = append(value, part...)
		return failure == nil
	}
	if _, err := s.spill(a.Spilled, 0, false); err != nil {
		return nil, err
	}
	return value, failure
}
