package format

import "bytes"

// codec is what every record and page can do.
type codec interface {
	Append(dst []byte) []byte
	Decode(b []byte) error
}

// sample is a record with its fields set by hand. Together the samples set
// every field of every struct.
type sample struct {
	name  string // of its file in testdata
	proto string // message in the format page, "" for pages
	value codec
	fresh func() codec
}

func of[T any, P interface {
	*T
	codec
}](name, proto string, value T) sample {
	return sample{name, proto, P(&value), func() codec { return P(new(T)) }}
}

// id returns an ID all of whose bytes are b.
func id(b byte) (id ID) {
	copy(id[:], rep(b, IDSize))
	return id
}

func rep(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }

func pid(b byte) *ID {
	id := id(b)
	return &id
}

func host(b byte) (h Host) {
	copy(h[:], rep(b, len(h)))
	return h
}

func pack(kind Kind, b byte) PackName { return PackName{Kind: kind, Hash: id(b)} }

var (
	sampleCertificate = Certificate{PublicKey: rep(1, 32), Role: RoleWriter, Epoch: 1, Signature: rep(2, 64)}
	sampleSession     = SessionName(host(0xab), [16]byte{1, 2, 3})
	sampleSections    = []Section{{Offset: 16, Epoch: 1, Host: host(3)}, {Offset: 5000, Epoch: 2, Host: host(4)}}

	// sampleEntry is a file as most are.
	sampleEntry = Entry{
		Type: TypeFile, Mode: 0o644, UID: 1000, GID: 1000, User: "anna", Group: "staff",
		MTime: 1735689600, MTimeNS: 123456789, CTime: 1735689601, CTimeNS: 987654321,
		Inode: 1234567, Device: 66306, Size: 5120,
		Content: []Piece{{Length: 5120, ID: id(7)}},
	}
)

// sampleBlocks are blocks of all codecs; in mirrors, IDs are short.
func sampleBlocks(short bool) []Block {
	blocks := []Block{
		{Number: 0, Offset: 1152, Length: 100, Codec: CodecZstd, IDs: []ID{id(5), id(6)}, Lengths: []uint32{70, 300}},
		{Number: 1, Offset: 1252, Length: 200, IDs: []ID{id(7)}, Lengths: []uint32{140}, Purpose: PurposeMirrors},
		{Section: 1, Number: 9, Offset: 6136, Length: 80, Codec: CodecDelta, IDs: []ID{id(8)}, Lengths: []uint32{MaxChunk},
			Bases: []BaseRef{{Pack: id(9), Offset: 1152, Length: 1 << 20}, {Pack: id(10), Offset: 16, Length: 3}}},
	}
	if short {
		for _, b := range blocks {
			for i := range b.IDs {
				clear(b.IDs[i][len(ShortID{}):])
			}
		}
	}
	return blocks
}

// samples returns all samples, in memory of their own.
func samples() []sample {
	return append(keySamples(), append(recordSamples(), storageSamples()...)...)
}

func keySamples() []sample {
	certificate := sampleCertificate
	return []sample{
		of("certificate", "Certificate", sampleCertificate),
		of("root", "Root", Root{
			Number: 2, OwnerKey: rep(1, 32), Created: 1735689600, Features: []string{"parity"},
			Epochs:     []Epoch{{Number: 1, DataKey: rep(2, 1216), MetadataKey: rep(3, 1216)}, {Number: 2, DataKey: []byte{4}, MetadataKey: []byte{5}}},
			DedupEpoch: 1, ChunkMin: 256 << 10, ChunkMean: 1 << 20, ChunkMax: 4 << 20, PageMin: 64, PageMean: 256, PageMax: 1024,
			Program: "firn 1.0", Revoked: [][]byte{rep(6, 32)}, Signature: rep(7, 64),
			Renewals: []Renewal{{Host: Host(rep(8, 8)), Salt: rep(9, 32), Sealed: rep(10, 50)}}, Vouched: []ID{id(11), id(12)},
		}),
		of("slot-passphrase", "Slot", Slot{
			ID: [16]byte(rep(1, 16)), Role: RoleOwner, Label: "Anna’s passphrase", Created: 1735689600,
			Argon2id:   &Argon2id{Salt: rep(2, 32), Time: 3, MemoryKiB: 64 << 10, Threads: 4},
			Commitment: rep(3, 32), Sealed: rep(4, 100),
		}),
		of("slot-secret", "Slot", Slot{
			ID: [16]byte(rep(1, 16)), Role: RoleMaintainer, SecretSalt: rep(2, 32), Commitment: rep(3, 32), Sealed: rep(4, 100),
		}),
		of("bundle", "Bundle", Bundle{
			Repository: id(1), Role: RoleMaintainer, OwnerSeed: rep(2, 32),
			Epochs:   []EpochKeys{{Number: 1, Dedup: rep(3, 32), Index: rep(4, 32), DataSecret: rep(5, 32), MetadataSecret: rep(6, 32)}, {Number: 2}},
			HostSeed: rep(7, 32), Certificate: &certificate, Slot: rep(8, 16),
		}),
		of("envelope-manifest", "Envelope", Envelope{
			Repository: id(1), Name: ManifestObject(sampleSession), Signer: sampleCertificate,
			Encapsulation: rep(2, EncapsulationSize), Sealed: rep(3, 40), Signature: rep(4, 64),
		}),
		of("envelope-session", "Envelope", Envelope{
			Repository: id(1), Name: SessionObject(sampleSession), Signer: sampleCertificate,
			Salt: rep(2, 32), Sealed: rep(3, 40), Signature: rep(4, 64),
		}),
	}
}

func recordSamples() []sample {
	packs := []PackName{pack(KindData, 1), pack(KindData, 2), pack(KindMeta, 1)}
	return []sample{
		of("session", "Session", Session{Started: 1735689600e9, Host: "büro", Program: "firn 1.0", Command: "backup"}),
		of("heartbeat", "Heartbeat", Heartbeat{Time: 1735689600e9, Activity: "uploading"}),
		of("tombstone", "Tombstone", Tombstone{Time: -1, Reason: "no heartbeat for 2 h"}),
		of("record", "Record", Record{
			Kind: RecordPrune, Time: 1735689600e9, CondemnedPacks: packs, Forgotten: []string{"a", "b"}, DamagedPacks: packs[:1],
			DamagedChunks: []ID{id(1), id(2)}, Reasons: []string{"missing", ""}, Session: sampleSession,
		}),
		of("record-vetting", "Record", Record{
			Kind: RecordVetting, Time: 1735689600e9, Session: sampleSession, VettedPacks: packs, VettedSegments: []string{"x/1", "x/2"},
		}),
		of("record-distrust", "Record", Record{
			Kind: RecordDistrust, Time: 1735689600e9, Reasons: []string{"its key leaked"}, Distrusted: []Host{host(1), host(2)},
			Withdrawn: []string{RecordName(host(1), [16]byte{2})},
		}),
		of("decision", "Decision", Decision{Time: 1735689600e9, DroppedPacks: packs, Record: RecordName(host(1), [16]byte{2})}),
		of("manifest", "Manifest", Manifest{
			Session: sampleSession, Started: 1735689600e9, Finished: 1735689700e9, Host: "büro", User: "anna",
			Sources: [][]byte{[]byte("/home"), {0xff, 0xfe}}, Tags: []string{"daily"}, Description: "before the move",
			Root: pid(1), RootLength: 4096, Sums: Sums{Entries: 3, Files: 2, Bytes: 1 << 40},
			Stats:  Stats{FilesNew: 1, FilesChanged: 2, FilesUnmodified: 3, BytesRead: 4, BytesAdded: 5, BytesStored: 6, ChunksAdded: 7, PacksAdded: 8},
			Parent: "p", Previous: []Head{{Session: "q", Manifest: id(2)}}, Seen: []Head{{Session: "r", Manifest: id(3)}, {}},
			Problems: []Problem{{Path: []byte("home/x\xff"), Reason: "permission denied"}}, ProblemCount: 1200,
			Program: "firn 1.0", Options: []string{"exclude *.tmp"}, ReplicaOf: "s", SourceKey: [16]byte(rep(4, 16)),
		}),
		of("manifest-empty", "Manifest", Manifest{}),
	}
}

func storageSamples() []sample {
	spill := Spill{Root: id(1), Length: 2000, Level: 1}
	return []sample{
		of("footer", "Footer", Footer{Sections: sampleSections, Blocks: sampleBlocks(false), Digest: id(1), Signer: sampleCertificate, Signature: rep(2, 64)}),
		of("mirror", "Mirror", Mirror{Pack: id(1), Size: 1 << 25, Sections: sampleSections, Blocks: sampleBlocks(true)}),
		of("packinfo", "PackInfo", PackInfo{
			Name: pack(KindData, 1), Size: 32 << 20, Used: 31 << 20, Host: host(2), BasePacks: []ID{id(4), id(3)}, Written: 1735689600, Content: 1,
		}),
		of("directory", "Directory", Directory{
			Entries: 5000, Packs: 3, PackBytes: 300, FilterBytes: 6272, FirstIDs: []uint64{0, 1, 1 << 63}, Inputs: []string{"x/1"},
			Signer: sampleCertificate, Created: 1735689600, Signature: rep(1, 64),
		}),
		of("directory-sums", "Directory", Directory{
			Entries: 2049, Packs: 1, PackBytes: 90, FilterBytes: 2592, FirstIDs: []uint64{7, 1 << 62},
			Signer: sampleCertificate, Created: 1735689600, Signature: rep(1, 64), PageSums: rep(5, 64), PageSignature: rep(6, 64),
		}),
		of("entry-file", "Entry", sampleEntry),
		of("entry-link", "Entry", Entry{Type: TypeSymlink, Mode: 0o777, MTime: -1, CTime: -1 << 40, Links: 2, Target: []byte("../x")}),
		of("entry-device", "Entry", Entry{
			Type: TypeBlockDev, Rdev: 8<<32 | 1, Flags: FlagChanged | FlagUnreadable, Spilled: &spill,
			Attributes: []Attribute{{Name: []byte("security.selinux"), Value: []byte("system_u")}, {Name: []byte("user.big"), Spilled: &spill}},
			Properties: []Attribute{{Name: []byte("Content-Type"), Value: []byte("text/plain")}},
		}),
		of("page-leaf", "", Page{Items: []PageItem{
			{Key: []byte("etc/"), Entry: &Entry{Type: TypeDirectory, Mode: 0o755}},
			{Key: []byte("etc/hosts"), Entry: &sampleEntry},
			{Key: []byte("etc/passwd"), Entry: &Entry{Type: TypeFile, Size: 8193, Content: []Piece{{Length: 1, ID: id(2)}, {Length: 8192, Hole: true}}}},
		}}),
		of("page-inner", "", Page{Level: 1, Items: []PageItem{
			{Key: []byte("etc/"), Child: id(1), ChildLength: 4000, Sums: Sums{Entries: 300, Files: 250, Bytes: 1 << 33}},
			{Key: []byte("usr/"), Child: id(2), ChildLength: 4100, Sums: Sums{Entries: 1}},
		}}),
		of("sequence-leaf", "", SequencePage{Items: []SequenceItem{{Piece: Piece{Length: MaxChunk, ID: id(1)}}, {Piece: Piece{Length: 1 << 40, Hole: true}}}}),
		of("sequence-inner", "", SequencePage{Level: 1, Items: []SequenceItem{{Child: id(1), ChildLength: 2000, Bytes: 1 << 40}}}),
	}
}
