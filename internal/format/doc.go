// Package format turns the bytes of a repository into records and back. It
// implements docs/format.md and nothing else: it holds no keys, does no input
// or output and keeps no state.
//
// Invariant: encoding is canonical and decoding is strict. A record has one
// encoding; a decoder refuses whatever its encoder would not have written,
// save for fields it does not know, which it skips. So what is accepted and
// encoded again gives the same bytes, and a signature over an encoding can be
// checked by encoding again. Everything a decoder allocates is bounded by the
// length of its input and by the limits in limits.go; no input makes it panic.
//
// Decode overwrites its receiver and reuses the memory of the lists in it
// (lists of messages, IDs, integers and pieces), so a caller that decodes many
// records into one variable allocates little, and one that keeps a record must
// not decode into it again. Byte slices and strings are never written to once
// they were handed out, and do not alias the input unless a method says so.
//
// Every package that reads or writes objects calls it: seal for keys, footers
// and sealed records, index for segments, tree for pages, repo for names.
package format
