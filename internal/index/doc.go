// Package index says where chunks are: it builds, reads and merges index
// segments (docs/format.md §7) and answers look-ups from a local mirror of them.
//
// A segment is an immutable sorted table from chunk ID to pack, block and
// offset. The Mirror is a folder of plain, checksummed copies, called layers,
// each of which covers one or more segments; it may be deleted at any time. A
// View is what one run sees: exactly the segments it was asked for, from which
// layers they may come.
//
// Where much is missing from the mirror a view may begin before it is there (Far): large
// segments are then looked up on the drive, page by page, each page checked against a sum
// that the segment's signer signed, and a sketch of each, its end and its filter, is kept in the folder.
//
// Invariants: nothing enters a layer before the segment's signature, content
// ID and name were verified; nothing leaves a layer before its checksum was.
// Damage of a layer is repaired by fetching its segments again, never
// reported as an absent chunk. What walks the index never takes a part for the whole:
// it waits for far segments. Memory does not grow with the number of chunks but for 8 bytes in 127 of them and a bounded share of the filters; it grows
// with the number of packs, by some 300 bytes each.
//
// Package repo calls it for writing and reading, check and prune for walking
// and merging.
package index
