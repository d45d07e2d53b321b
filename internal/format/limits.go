package format

// Bounds of the format page, §5 to §10. A decoder refuses what exceeds them.
const (
	MaxRecord     = 64 << 20   // bytes of an object of kind r, k, s, h, m, t, g or d, and of a directory
	MaxFooter     = 64 << 20   // bytes of a pack's sealed footer
	MaxPack       = 1 << 30    // bytes of a pack
	MaxContent    = 15 << 20   // bytes of a block's content; a block of it stored as it is stays below 2^24
	MaxChunk      = MaxContent // bytes of a chunk
	MaxBases      = 2          // bases of a delta
	MaxDelta      = 16 << 20   // bytes of a delta once decompressed
	MaxPage       = 64 << 20   // bytes of a tree page, and of all its keys written out
	MaxPageItems  = 1_000_000  // items of a tree page
	MaxKey        = 1 << 20    // bytes of a tree key
	MaxTreeDepth  = 16         // levels of a tree or sequence
	MaxElements   = 1_000_000  // strings, byte strings or messages in a repeated field
	MaxProblems   = 1_000      // problems a manifest lists
	MaxSegment    = 1 << 40    // bytes of a segment
	MaxDeltaDepth = 4          // bases behind one another

	// InlinePieces is how many pieces an entry may hold itself.
	InlinePieces = 32
	// SequenceItems is how many items a sequence page may hold.
	SequenceItems = 1024
)
