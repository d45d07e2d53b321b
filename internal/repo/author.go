package repo

import "firn/internal/format"

// AuthorOf returns who answers for what a pack holds: who signed it if that is a
// writer; else whose blocks a maintainer or owner moved there, if any. Such a pack holds blocks of
// one other host at most.
func AuthorOf(f *format.Footer) format.Host {
	signer := format.HostOf(f.Signer.PublicKey)
	if f.Signer.Role == format.RoleWriter {
		return signer
	}
	return movedFrom(f.Sections, signer)
}

// AuthorOfMirror returns who answers for the data pack that a mirror describes, which
// stands in a block of a pack with the footer f: who wrote the mirror, unless a
// maintainer or owner did, whose word on that is believed.
func AuthorOfMirror(f *format.Footer, block *format.Block, m *format.Mirror) format.Host {
	signer := format.HostOf(f.Signer.PublicKey)
	if wrote := sectionAuthor(f, block); wrote != signer || f.Signer.Role == format.RoleWriter {
		return wrote
	}
	return movedFrom(m.Sections, signer)
}

// sectionAuthor returns who answers for a block.
func sectionAuthor(f *format.Footer, block *format.Block) format.Host {
	if f.Signer.Role == format.RoleWriter || int(block.Section) >= len(f.Sections) {
		return format.HostOf(f.Signer.PublicKey)
	}
	return f.Sections[block.Section].Host
}

// movedFrom returns whose sections stand among those of signer.
func movedFrom(sections []format.Section, signer format.Host) format.Host {
	for i := range sections {
		if host := sections[i].Host; host != signer {
			return host
		}
	}
	return signer
}
