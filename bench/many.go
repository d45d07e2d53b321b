package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"path/filepath"
)

// manyFiles is the number of files at scale 1.
const manyFiles = 1_000_000

// perFolder is how many of them share a folder.
const perFolder = 1000

// buildMany fills a corpus with tiny files, no two alike. In its second state
// one in a thousand has other content.
func buildMany(ctx context.Context, c *corpus) error {
	random := rand.New(rand.NewPCG(2, 0))
	digest := sha256.New()
	tiny := func(i int) text {
		return text{content: fmt.Appendf(nil, "file %d\n%0*x\n", i, 16+random.IntN(150), random.Uint64()), mode: 0o644}
	}
	for i := range max(int(manyFiles*c.Scale), perFolder) {
		if err := ctx.Err(); err != nil {
			return err
		}
		path := filepath.Join(fmt.Sprintf("folder-%04d", i/perFolder), fmt.Sprintf("file-%06d", i))
		t := tiny(i)
		if err := put(filepath.Join(c.tree(), path), t); err != nil {
			return err
		}
		c.Files++
		c.Bytes += int64(len(t.content))
		fmt.Fprintf(digest, "%s\x00%s\n", path, t.content)
		if i%1000 == 500 {
			if err := put(filepath.Join(c.aside(), path), tiny(-i)); err != nil {
				return err
			}
			c.Swaps = append(c.Swaps, path)
		}
	}
	c.Digest = hex.EncodeToString(digest.Sum(nil)[:6])
	c.Change = fmt.Sprintf("%d files have other content", len(c.Swaps))
	return nil
}
