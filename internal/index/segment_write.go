package index

import (
	"fmt"
	"time"

	"firn/internal/format"
	"firn/internal/seal"
)

// Seal returns the builder's packs as a whole segment object and its name. inputs
// are the names of the segments merged into it, now is when. The same packs and entries
// give the same bytes up to the directory, in whatever order they were added.
func (b *Builder) Seal(k *seal.Keyring, inputs []string, now time.Time) (name string, body []byte, err error) {
	name, body, err = b.seal(k, inputs, now)
	if err != nil {
		return "", nil, fmt.Errorf("seal segment: %w", err)
	}
	return name, body, nil
}

func (b *Builder) seal(k *seal.Keyring, inputs []string, now time.Time) (name string, body []byte, err error) {
	if err := b.settle(); err != nil {
		return "", nil, err
	}
	var table []byte
	for i := range b.packs {
		table = format.AppendPackRecord(table, &b.packs[i])
	}
	a, err := newAssembly(nil, uint64(len(b.records)), uint64(len(b.packs)), table)
	if err != nil {
		return "", nil, err
	}
	a.sumsFrom = b.sumsFrom
	for i := range b.records {
		b.records[i].append(a.entryAt(uint64(i))[:0])
	}
	return a.seal(k, inputs, now)
}
