package format

import "testing"

func BenchmarkEntryAppend(b *testing.B) {
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		buf = sampleEntry.Append(buf[:0])
	}
}

func BenchmarkEntryDecode(b *testing.B) {
	encoded := sampleEntry.Append(nil)
	var e Entry
	b.ReportAllocs()
	for b.Loop() {
		if err := e.Decode(encoded); err != nil {
			b.Fatal(err)
		}
	}
}

// The page benchmarks count one item of a page as one operation.

const benchItems = 512

func BenchmarkPageAppend(b *testing.B) {
	p := filePage(benchItems)
	buf := p.Append(nil)
	b.ReportAllocs()
	for i := 0; i < b.N; i += benchItems {
		buf = p.Append(buf[:0])
	}
}

func BenchmarkPageDecode(b *testing.B) {
	encoded := filePage(benchItems).Append(nil)
	for _, reuse := range []bool{true, false} {
		name := map[bool]string{true: "reused", false: "fresh"}[reuse]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			p := new(Page)
			for i := 0; i < b.N; i += benchItems {
				if !reuse {
					p = new(Page)
				}
				if err := p.Decode(encoded); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The footer benchmark counts one block of eight chunks as one operation.
func BenchmarkFooterDecode(b *testing.B) {
	const blocks = 128
	f := Footer{Sections: sampleSections[:1], Signer: sampleCertificate, Signature: rep(1, 64)}
	for i := range blocks {
		block := Block{Number: uint32(i), Offset: uint32(1152 + i<<20), Length: 1 << 20, Codec: CodecZstd}
		for j := range 8 {
			block.IDs = append(block.IDs, id(byte(j)))
			block.Lengths = append(block.Lengths, 128<<10)
		}
		f.Blocks = append(f.Blocks, block)
	}
	encoded := f.Append(nil)
	var got Footer
	b.ReportAllocs()
	for i := 0; i < b.N; i += blocks {
		if err := got.Decode(encoded); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIndexEntryAppend(b *testing.B) {
	e := IndexEntry{ID: ShortID(rep(1, 16)), Position: Position{Pack: 5, BlockOffset: 1 << 20, BlockLength: 1 << 20, ChunkOffset: 300}}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendIndexEntry(buf[:0], &e)
	}
}

func BenchmarkIndexEntryParse(b *testing.B) {
	encoded := AppendIndexEntry(nil, &IndexEntry{ID: ShortID(rep(1, 16))})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseIndexEntry(encoded); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPackInfoDecode(b *testing.B) {
	info := PackInfo{Name: pack(KindData, 1), Size: 32 << 20, Used: 31 << 20, Written: 1735689600}
	encoded := info.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if err := info.Decode(encoded); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkApplyDelta(b *testing.B) {
	base := rep('b', 1<<20)
	var instructions []Instruction
	for i := range 1000 {
		instructions = append(instructions, Instruction{Copy: true, Offset: uint32(i * 1000), Length: 990}, Instruction{Length: 10})
	}
	delta := AppendDelta(nil, instructions, rep('l', 10_000))
	dst := make([]byte, 0, 1_000_000)
	b.SetBytes(1_000_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ApplyDelta(dst, base, delta, 1_000_000); err != nil {
			b.Fatal(err)
		}
	}
}
