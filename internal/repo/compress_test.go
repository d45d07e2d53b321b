package repo

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// logLines is text that both levels make about as small.
func logLines(seed uint64, size int) []byte {
	random := rand.New(rand.NewPCG(seed, 1))
	var b []byte
	for len(b) < size {
		b = fmt.Appendf(b, "2026-11-20T10:%02d:%02d host app[%d]: request %x served in %d ms\n",
			random.IntN(60), random.IntN(60), random.IntN(9999), random.Uint64(), random.IntN(500))
	}
	return b[:size]
}

// words is text that the usual level makes clearly smaller than the fastest.
func words(seed uint64, size int) []byte {
	random := rand.New(rand.NewPCG(seed, 2))
	list := make([]string, 3000)
	for i := range list {
		list[i] = fmt.Sprintf("%c%x", 'a'+rune(i%26), i*i%7919)
	}
	var b []byte
	for len(b) < size {
		n := random.IntN(len(list))
		b = append(b, list[n*n/len(list)]...)
		b = append(b, ' ')
	}
	return b[:size]
}

// TestAutoCompression makes sure that each file gets the level that suits it, and
// that every frame gives back what went in.
func TestAutoCompression(t *testing.T) {
	c := newCompressor(CompressAuto, false, func(string) {})
	decoder, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	for name, make := range map[string]func(uint64, int) []byte{"log": logLines, "words": words} {
		from := &Origin{}
		for n := range uint64(2*tryEvery + 1) {
			content := make(n, 200<<10)
			head := []byte("head")
			all := c.append(head, content, from)
			back, err := decoder.DecodeAll(all[len(head):], nil)
			if err != nil || !bytes.Equal(back, content) || !bytes.HasPrefix(all, head) {
				t.Fatalf("%s: chunk %d does not come back: %v", name, n, err)
			}
			got, fast, usual := len(all)-len(head), len(c.fast.EncodeAll(content, nil)), len(c.usual.EncodeAll(content, nil))
			want := fast
			if tried := n%tryEvery == 0; tried && usual < fast || !tried && usual < fast-fast/worthwhile {
				want = usual
			}
			if got != want {
				t.Fatalf("%s: chunk %d takes %d bytes, want %d of %d (fastest) and %d (default)", name, n, got, want, fast, usual)
			}
		}
	}
}

func TestCompressionLevels(t *testing.T) {
	content := words(1, 300<<10)
	for _, level := range []Compression{CompressFastest, CompressDefault, CompressBetter, CompressMax} {
		c := newCompressor(level, false, func(string) {})
		if got := c.append(nil, content, &Origin{}); !bytes.Equal(got, c.usual.EncodeAll(content, nil)) {
			t.Errorf("level %d is not the one that was asked for", level)
		}
	}
	if c := newCompressor(CompressOff, false, func(string) {}); c.usual != nil || c.fast != nil {
		t.Error("off compresses")
	}
}
