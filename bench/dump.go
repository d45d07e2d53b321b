package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

const (
	dumpRows    = 4_400_000 // at scale 1, about 700 MB
	dumpUpdates = 100       // one row of so many is another in the second dump
	dumpInserts = 500       // and one for so many is added
)

// buildDump fills a corpus with the dump of a database table as SQL text. In
// its second state it is the next night's.
func buildDump(ctx context.Context, c *corpus) error {
	if err := os.MkdirAll(c.tree(), 0o755); err != nil {
		return err
	}
	const name = "orders.sql"
	rows := max(int(dumpRows*c.Scale), dumpInserts)
	digest := sha256.New()
	if err := writeDump(ctx, filepath.Join(c.tree(), name), digest, rows, firstNight); err != nil {
		return err
	}
	if err := writeDump(ctx, filepath.Join(c.aside(), name), io.Discard, rows+rows/dumpInserts, secondNight); err != nil {
		return err
	}
	info, err := os.Stat(filepath.Join(c.tree(), name))
	if err != nil {
		return err
	}
	c.Files, c.Bytes, c.Swaps = 1, info.Size(), []string{name}
	c.Digest = hex.EncodeToString(digest.Sum(nil)[:6])
	c.Change = fmt.Sprintf("1 %% of the %d rows updated at random, 0.2 %% inserted", rows)
	return nil
}

// firstNight and secondNight give the version of a row by its number in the two nights.
func firstNight(int) uint64 { return 1 }

func secondNight(id int) uint64 {
	if rand.New(rand.NewPCG(7, uint64(id))).IntN(dumpUpdates) == 0 {
		return 2
	}
	return 1
}

// writeDump writes rows as a COPY statement, into a file and a digest.
func writeDump(ctx context.Context, name string, digest io.Writer, rows int, version func(id int) uint64) error {
	return create(name, func(w io.Writer) error {
		w = io.MultiWriter(w, digest)
		if _, err := fmt.Fprintln(w, "COPY public.orders (id, customer, created, status, amount, email, address, note) FROM stdin;"); err != nil {
			return err
		}
		var line []byte
		for id := range rows {
			line = appendRow(line[:0], id, version(id))
			if _, err := w.Write(line); err != nil {
				return err
			}
			if id%100_000 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
		}
		_, err := fmt.Fprintln(w, `\.`)
		return err
	})
}

// appendRow appends a row of an order, which depends on its number and version only.
func appendRow(dst []byte, id int, version uint64) []byte {
	random := rand.New(rand.NewPCG(version, uint64(id)))
	states := [...]string{"new", "paid", "shipped", "returned", "cancelled"}
	customer := random.IntN(200_000)
	return fmt.Appendf(dst, "%d\t%d\t2024-%02d-%02d\t%s\t%d.%02d\tuser%d@example.com\t%d Oak Street\t%016x%016x left at the door %d\n",
		id, customer, 1+random.IntN(12), 1+random.IntN(28), states[random.IntN(len(states))], random.IntN(100_000), random.IntN(100),
		customer, random.IntN(999), random.Uint64(), random.Uint64(), random.IntN(1000))
}
