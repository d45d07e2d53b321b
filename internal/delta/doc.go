// Package delta makes new content small by saying how it differs from stored
// content. Encoder writes it as a copy-and-insert program on the other
// (docs/format.md §6.3); Sketcher takes features of content that outlast
// changes; Bases finds by them the stored content that new content resembles;
// Choose weighs the versions of it against each other.
//
// Invariant: format.ApplyDelta on the same base gives back exactly what was
// encoded, and the time taken grows in proportion to base and target, whatever
// is in them. Package repo calls it where it writes blocks.
//
// The method is that of Xdelta and VCDIFF (MacDonald, "File System Support for
// Delta Compression", 2000; RFC 3284) with a sparse index of the base, after
// Bentley and McIlroy, "Data Compression Using Long Common Strings", DCC 1999.
package delta
