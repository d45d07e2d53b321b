package repo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/object"
	"firn/internal/seal"
)

// HostInfo is one host: a key that signs what a machine stores.
type HostInfo struct {
	Host    format.Host
	Role    format.Role // 0: nothing it signed is there
	Key     []byte      // public
	Own     bool        // it is this machine's
	Revoked bool
	// Distrusted is the record that masks what it stored; nil if none does.
	Distrusted *StandingRecord
	Names      []string // machines, as its snapshots name them; none without the key for that

	Snapshots int // it signed; so are the next two
	Records   int
	Segments  int
	Packs     int // it answers for
	Vetted    int // of these, all of which a verifier found right
	Bytes     uint64
}

// Hosts returns all hosts that signed something on the drive that counts, or that a record
// distrusts, in the order of their names.
func (r *Repository) Hosts(ctx context.Context, records *Records) ([]HostInfo, error) {
	h := &hostCensus{repo: r, hosts: map[format.Host]*HostInfo{}}
	for host, why := range records.Distrusted() {
		h.of(host).Distrusted = why
	}
	if err := h.countSigned(ctx); err != nil {
		return nil, fmt.Errorf("list hosts: %w", err)
	}
	if err := h.countPacks(ctx, records); err != nil {
		return nil, fmt.Errorf("list hosts: %w", err)
	}
	infos := make([]HostInfo, 0, len(h.hosts))
	for _, info := range h.hosts {
		slices.Sort(info.Names)
		info.Names = slices.Compact(info.Names)
		infos = append(infos, *info)
	}
	slices.SortFunc(infos, func(a, b HostInfo) int { return a.Host.Compare(b.Host) })
	return infos, nil
}

// hostCensus counts what each host wrote.
type hostCensus struct {
	repo  *Repository
	hosts map[format.Host]*HostInfo
}

func (h *hostCensus) of(host format.Host) *HostInfo {
	if h.hosts[host] == nil {
		h.hosts[host] = &HostInfo{Host: host, Own: host == h.repo.keys.Host()}
	}
	return h.hosts[host]
}

// signed returns the entry of a signer.
func (h *hostCensus) signed(by *format.Certificate) *HostInfo {
	info := h.of(format.HostOf(by.PublicKey))
	info.Role, info.Key, info.Revoked = by.Role, by.PublicKey, h.repo.keys.IsRevoked(by)
	return info
}

// countSigned counts snapshots and records by their signers.
func (h *hostCensus) countSigned(ctx context.Context) error {
	for _, prefix := range []string{format.PrefixManifests, format.PrefixRecords} {
		for object, err := range h.repo.store.List(ctx, prefix) {
			if err != nil {
				return fmt.Errorf("list %s: %w", prefix, err)
			}
			if err := h.countObject(ctx, object.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *hostCensus) countObject(ctx context.Context, name string) error {
	signature, err := h.repo.signature(ctx, name)
	switch {
	case errors.Is(err, object.ErrNotFound), errors.Is(err, seal.ErrRevoked), isDamage(err):
		return nil // gone meanwhile, or nobody's word
	case err != nil:
		return fmt.Errorf("read %s: %w", name, err)
	}
	info := h.signed(&signature.Signer)
	if strings.HasPrefix(name, format.PrefixRecords) {
		info.Records++
		return nil
	}
	session, err := format.ParseManifestObject(name)
	if err != nil {
		return nil // nobody's object: it takes part in nothing
	}
	if kind, err := h.repo.CachedOutcome(ctx, session); err != nil || kind != format.KindManifest {
		return nil // a closed session
	}
	info.Snapshots++
	if !h.repo.keys.ReadsMetadata() {
		return nil
	}
	if out, err := h.repo.ReadOutcome(ctx, session); err == nil && out.Manifest != nil && !slices.Contains(info.Names, out.Manifest.Host) {
		info.Names = append(info.Names, out.Manifest.Host)
	}
	return nil
}

// countPacks counts packs by who answers for them.
func (h *hostCensus) countPacks(ctx context.Context, records *Records) error {
	view, _, err := h.repo.loadView(ctx, nil, walked)
	if err != nil {
		return err
	}
	for _, s := range view.Segments() {
		h.signed(&s.Signature.Signer).Segments++
	}
	type listing struct {
		pack   format.PackName
		author format.Host
	}
	known := records.Vetted()
	vetted := map[listing]bool{} // by all segments that list it
	size := map[listing]uint64{}
	err = view.Listings(func(l index.Listing) {
		at := listing{l.Pack.Name, l.Origin.Author}
		_, before := size[at]
		vetted[at] = known.Has(l.Origin.Segment, l.Pack.Name) && (vetted[at] || !before)
		size[at] = l.Pack.Size
	})
	for at, bytes := range size {
		info := h.of(at.author)
		info.Packs++
		info.Bytes += bytes
		if vetted[at] {
			info.Vetted++
		}
	}
	return errors.Join(err, view.Close())
}

// Errors of Distrust and Retrust.
var (
	ErrNoHost = errors.New("no host begins like that")
	ErrOwnKey = errors.New("this machine cannot distrust its own key: do it with another owner's key")
	// ErrOwnersWord means that only an owner takes back what an owner said.
	ErrOwnersWord = errors.New("an owner distrusts the host, so that it takes an owner's key to take that back")
)

// Distrust writes a record that masks all that a host stored or will store: nobody builds on
// it, and others upload again what only it has. It takes the key of a maintainer or owner.
func (r *Repository) Distrust(ctx context.Context, host format.Host, reason string) (string, error) {
	if host == r.keys.Host() {
		return "", fmt.Errorf("distrust host %s: %w", host, ErrOwnKey)
	}
	name, err := r.WriteRecord(ctx, &format.Record{
		Kind: format.RecordDistrust, Time: r.now().UnixNano(), Distrusted: []format.Host{host}, Reasons: []string{reason},
	})
	if err != nil {
		return "", fmt.Errorf("distrust host %s: %w", host, err)
	}
	return name, nil
}

// Retrust writes a record that takes back all that distrust a host. ErrOwnersWord when
// a maintainer cannot.
func (r *Repository) Retrust(ctx context.Context, records *Records, host format.Host, reason string) (string, error) {
	record := &format.Record{Kind: format.RecordDistrust, Time: r.now().UnixNano(), Reasons: []string{reason}}
	for i := range records.Distrusts {
		d := &records.Distrusts[i]
		if !slices.Contains(d.Record.Distrusted, host) {
			continue
		}
		if d.Role == format.RoleOwner && r.keys.Role() != format.RoleOwner {
			return "", fmt.Errorf("trust host %s again: %w", host, ErrOwnersWord)
		}
		record.Withdrawn = append(record.Withdrawn, d.Name)
	}
	name, err := r.WriteRecord(ctx, record)
	if err != nil {
		return "", fmt.Errorf("trust host %s again: %w", host, err)
	}
	return name, nil
}

// FindHost returns the host whose name, or whose machine's name, a word means: the
// beginning of its 16 digits, or all of the machine's name.
func FindHost(hosts []HostInfo, word string) (*HostInfo, error) {
	var found []*HostInfo
	for i := range hosts {
		h := &hosts[i]
		if word != "" && (strings.HasPrefix(h.Host.String(), strings.ToLower(word)) || slices.Contains(h.Names, word)) {
			found = append(found, h)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("%w: %q", ErrNoHost, word)
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("%d hosts are meant by %q: %s and %s among them", len(found), word, found[0].Host, found[1].Host)
}
