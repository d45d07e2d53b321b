package format

// The structs below mirror the messages of docs/format.md one to one; that
// page says what each field means and in which unit.

// IDSize is the size of chunk IDs, hashes and keys in bytes.
const IDSize = 32

// ID is a 256-bit hash or a chunk ID.
type ID [IDSize]byte

// Kind is the kind byte of an object's header.
type Kind byte

// The kinds of objects.
const (
	KindRoot      Kind = 'r'
	KindSlot      Kind = 'k'
	KindData      Kind = 'p'
	KindMeta      Kind = 'q'
	KindSegment   Kind = 'x'
	KindSession   Kind = 's'
	KindHeartbeat Kind = 'h'
	KindManifest  Kind = 'm'
	KindTombstone Kind = 't'
	KindRecord    Kind = 'g'
	KindDecision  Kind = 'd'
)

// Role says what the holder of a bundle or certificate may do.
type Role uint32

// The roles.
const (
	RoleOwner      Role = 1
	RoleWriter     Role = 2
	RoleMaintainer Role = 3
)

// Host is the short name of a host signing key: the first 8 bytes of the
// SHA-256 of its public half.
type Host [8]byte

// PackName names a pack: the kind (KindData or KindMeta) and the SHA-256 of its bytes.
type PackName struct {
	Kind Kind
	Hash ID
}

// Header is the 16 bytes every object begins with.
type Header struct {
	Kind  Kind
	Epoch uint32
}

// Certificate is an owner's statement about a host signing key.
type Certificate struct {
	PublicKey []byte
	Role      Role
	Epoch     uint32
	Signature []byte
}

// Epoch holds the public sealing keys of one key epoch.
type Epoch struct {
	Number      uint32
	DataKey     []byte
	MetadataKey []byte
}

// Root is the repository's root object.
type Root struct {
	Number     uint32
	OwnerKey   []byte
	Created    int64
	Features   []string
	Epochs     []Epoch
	DedupEpoch uint32
	ChunkMin   uint32
	ChunkMean  uint32
	ChunkMax   uint32
	PageMin    uint32
	PageMean   uint32
	PageMax    uint32
	Program    string
	Revoked    [][]byte
	Signature  []byte
	Renewals   []Renewal
	Vouched    []ID
}

// Renewal brings the holder of a bundle the keys of epochs that began since it
// was made.
type Renewal struct {
	Host   Host
	Salt   []byte
	Sealed []byte
}

// Argon2id holds the parameters of a passphrase slot.
type Argon2id struct {
	Salt      []byte
	Time      uint32
	MemoryKiB uint32
	Threads   uint32
}

// Slot is a key slot. Exactly one of Argon2id and SecretSalt is set.
type Slot struct {
	ID         [16]byte
	Role       Role
	Label      string
	Created    int64
	Argon2id   *Argon2id
	SecretSalt []byte
	Commitment []byte
	Sealed     []byte
}

// EpochKeys are the keys of one epoch a bundle holds; absent ones are nil.
type EpochKeys struct {
	Number         uint32
	Dedup          []byte
	Index          []byte
	DataSecret     []byte
	MetadataSecret []byte
}

// Bundle is what a slot wraps.
type Bundle struct {
	Repository  ID
	Role        Role
	OwnerSeed   []byte
	Epochs      []EpochKeys
	HostSeed    []byte
	Certificate *Certificate
	Slot        []byte
}

// Envelope carries a sealed record.
type Envelope struct {
	Repository    ID
	Name          string
	Signer        Certificate
	Encapsulation []byte
	Salt          []byte
	Sealed        []byte
	Signature     []byte
}

// Session is the body of s/ objects.
type Session struct {
	Started int64
	Host    string
	Program string
	Command string
}

// Heartbeat is the body of h/ objects.
type Heartbeat struct {
	Time     int64
	Activity string
}

// Tombstone closes a session without a snapshot.
type Tombstone struct {
	Time   int64
	Reason string
}

// The kinds of records.
const (
	RecordPrune    uint32 = 1
	RecordDamage   uint32 = 2
	RecordVetting  uint32 = 3 // packs whose chunks a verifier read and found right
	RecordDistrust uint32 = 4 // hosts whose work is not to be built on, or records of this kind withdrawn
	RecordLedger   uint32 = 5 // forgotten snapshots, kept when the record that forgot them goes
)

// Record is the body of g/ objects.
type Record struct {
	Kind           uint32
	Time           int64
	CondemnedPacks []PackName
	Forgotten      []string
	DamagedPacks   []PackName
	DamagedChunks  []ID
	Reasons        []string
	Session        string
	VettedPacks    []PackName
	VettedSegments []string
	Distrusted     []Host
	Withdrawn      []string
}

// Decision is the body of settled prune decisions.
type Decision struct {
	Time         int64
	DroppedPacks []PackName
	Record       string
}

// Sums are totals over a tree or part of one.
type Sums struct {
	Entries uint64
	Files   uint64
	Bytes   uint64
}

// Stats are what a backup did.
type Stats struct {
	FilesNew        uint64
	FilesChanged    uint64
	FilesUnmodified uint64
	BytesRead       uint64
	BytesAdded      uint64
	BytesStored     uint64
	ChunksAdded     uint64
	PacksAdded      uint64
}

// Head is the end of a chain of manifests.
type Head struct {
	Session  string
	Manifest ID
}

// Problem is an entry that could not be kept as it is.
type Problem struct {
	Path   []byte
	Reason string
}

// Manifest describes one snapshot.
type Manifest struct {
	Session      string
	Started      int64
	Finished     int64
	Host         string
	User         string
	Sources      [][]byte
	Tags         []string
	Description  string
	Root         *ID // nil: empty tree
	RootLength   uint32
	Sums         Sums
	Stats        Stats
	Parent       string
	Previous     []Head
	Seen         []Head
	Problems     []Problem
	ProblemCount uint64
	Program      string
	Options      []string
	ReplicaOf    string
	SourceKey    [16]byte
}

// The codecs of blocks.
const (
	CodecStored uint32 = 0
	CodecZstd   uint32 = 1
	CodecDelta  uint32 = 2
)

// The purposes of blocks in metadata packs.
const (
	PurposePages   uint32 = 0
	PurposeMirrors uint32 = 1
)

// Section is one run of blocks under one encapsulation.
type Section struct {
	Offset uint32
	Epoch  uint32
	Host   Host
}

// Block is one sealed block of a pack.
type Block struct {
	Section uint32
	Number  uint32
	Offset  uint32
	Length  uint32
	Codec   uint32
	IDs     []ID      // in mirrors only the first 16 bytes of each are set
	Lengths []uint32  // of the chunks, bytes
	Bases   []BaseRef // of a delta, 1 or 2
	Purpose uint32
}

// Footer is a pack's table of contents.
type Footer struct {
	Sections  []Section
	Blocks    []Block
	Digest    ID
	Signer    Certificate
	Signature []byte
}

// Mirror is the copy of a data pack's footer kept in a metadata pack.
type Mirror struct {
	Pack     ID
	Size     uint64
	Sections []Section
	Blocks   []Block
}

// PackInfo is one record of a segment's pack table.
type PackInfo struct {
	Name      PackName
	Size      uint64
	Used      uint64
	Host      Host
	BasePacks []ID
	Written   int64
	Content   uint32
}

// ShortID is the part of a chunk ID that the index keeps.
type ShortID [16]byte

// Position says where a chunk is: in which block of which pack, and where in the block's content.
type Position struct {
	Pack        uint32 // position in the segment's pack table
	BlockOffset uint32
	BlockLength uint32 // below 2^24
	ChunkOffset uint32 // below 2^24
}

// IndexEntry is one entry of a segment.
type IndexEntry struct {
	ID ShortID
	Position
}

// Directory is the last page of a segment.
type Directory struct {
	Entries     uint64
	Packs       uint64
	PackBytes   uint64
	FilterBytes uint64
	FirstIDs    []uint64 // big-endian reading of the first 8 bytes, so that integer order is byte order
	Inputs      []string
	Signer      Certificate
	Created     int64
	Signature   []byte
	// PageSums and PageSignature, absent from small segments, let pages be trusted
	// one by one: PageSumSize bytes for each, in order of their numbers.
	PageSums      []byte
	PageSignature []byte
}

// The types of entries.
const (
	TypeFile       uint32 = 1
	TypeDirectory  uint32 = 2
	TypeSymlink    uint32 = 3
	TypeCharDevice uint32 = 4
	TypeBlockDev   uint32 = 5
	TypePipe       uint32 = 6
	TypeSocket     uint32 = 7
	TypeS3Object   uint32 = 8
	TypeStream     uint32 = 9
)

// The flags of entries.
const (
	FlagSparse     uint32 = 1
	FlagChanged    uint32 = 2
	FlagUnreadable uint32 = 4
	FlagAbove      uint32 = 8
)

// Attribute is an extended attribute or a property.
type Attribute struct {
	Name    []byte
	Value   []byte
	Spilled *Spill
}

// Spill points at the root of a sequence tree.
type Spill struct {
	Root   ID
	Length uint32
	Level  uint32
}

// Piece is a part of an entry's content: a chunk, or a hole when Hole is set.
type Piece struct {
	Length uint64
	Hole   bool
	ID     ID
}

// Entry is one item of a source.
type Entry struct {
	Type       uint32
	Mode       uint32
	UID        uint64
	GID        uint64
	User       string
	Group      string
	MTime      int64
	MTimeNS    uint32
	CTime      int64
	CTimeNS    uint32
	Inode      uint64
	Device     uint64
	Links      uint64
	Size       uint64
	Target     []byte
	Rdev       uint64
	Attributes []Attribute
	Content    []Piece
	Spilled    *Spill
	Properties []Attribute
	Flags      uint32
}

// PageItem is an item of a tree page: a leaf has Entry, an inner page Child and Sums.
type PageItem struct {
	Key         []byte
	Entry       *Entry
	Child       ID
	ChildLength uint32
	Sums        Sums
}

// Page is a tree page.
type Page struct {
	Level uint8
	Items []PageItem
}

// SequenceItem is an item of a sequence page: a leaf has Piece, an inner page Child, ChildLength and Bytes.
type SequenceItem struct {
	Piece       Piece
	Child       ID
	ChildLength uint32
	Bytes       uint64
}

// SequencePage is a page of a sequence tree.
type SequencePage struct {
	Level uint8
	Items []SequenceItem
}
