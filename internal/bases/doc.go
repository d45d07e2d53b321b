// Package bases is the local cache of stored content that new content may be
// kept as a delta on: blocks of big files, found again by what they contain,
// whatever file and place they come back in.
//
// Invariant: it gives out a block's plaintext exactly as it was stored, or an
// error; nothing depends on it but the size of what comes next. It may be
// deleted at any time, keeps to its budget on disk, leaves a tenth of the file
// system free, and is sealed with a key that every role that writes has. Package
// repo fills it when a pack has arrived and asks it before a block is written.
//
// Several processes may have it open. Each counts what was there when it opened
// it and what it keeps itself; the next one to open it counts all.
//
// There is a file for each pack, so that one is written in one go and dropped
// in one go, the least recently used first. Later versions of what is cached drop it
// for themselves; content of files that changed otherwise, only what was not used lately; content
// of new files, nothing. So neither a scan over more than the cache holds nor more that changes each night than it
// holds washes out what serves.
package bases
