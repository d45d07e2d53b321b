package format

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Names and prefixes of objects, §2 of the format page.
const (
	StorageConfigName = ".storageconfig"

	PrefixKeys       = "k/"
	PrefixData       = "p/"
	PrefixMeta       = "q/"
	PrefixSegments   = "x/"
	PrefixSessions   = "s/"
	PrefixHeartbeats = "h/"
	PrefixManifests  = "m/"
	PrefixRecords    = "g/"

	rootName       = "firn.repository"
	decisionSuffix = ".s"
)

// String returns the ID as 64 hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// String returns the short ID as 32 hex digits.
func (id ShortID) String() string { return hex.EncodeToString(id[:]) }

// Short returns the part of the ID that the index keeps.
func (id ID) Short() ShortID { return ShortID(id[:]) }

// String returns the host as 16 hex digits.
func (h Host) String() string { return hex.EncodeToString(h[:]) }

// HostOf returns the host that signs with the key whose public half is given.
func HostOf(publicKey []byte) Host {
	sum := sha256.Sum256(publicKey)
	return Host(sum[:])
}

// ParseHost parses 16 hex digits.
func ParseHost(text string) (host Host, err error) {
	if !parseHex(host[:], text) {
		return Host{}, badName("host", text)
	}
	return host, nil
}

// ParseID parses 64 hex digits.
func ParseID(text string) (id ID, err error) {
	if !parseHex(id[:], text) {
		return ID{}, badName("ID", text)
	}
	return id, nil
}

// RootName returns the name of root number n, which is at least 1.
func RootName(n uint32) string {
	if n < 2 {
		return rootName
	}
	return rootName + "." + strconv.FormatUint(uint64(n), 10)
}

// RootCopyName returns the name of the copy of root number n.
func RootCopyName(n uint32) string { return PrefixKeys + RootName(n) }

// ParseRootName returns the number of a root by its name or that of its copy.
func ParseRootName(name string) (uint32, error) {
	base := strings.TrimPrefix(name, PrefixKeys)
	if base == rootName {
		return 1, nil
	}
	digits, ok := strings.CutPrefix(base, rootName+".")
	n, err := strconv.ParseUint(digits, 10, 32)
	if !ok || err != nil || n < 2 || RootName(uint32(n)) != base {
		return 0, badName("root", name)
	}
	return uint32(n), nil
}

// SlotName returns the name of a key slot.
func SlotName(id [16]byte) string { return PrefixKeys + hex.EncodeToString(id[:]) }

// ParseSlotName returns the ID of a key slot by its name.
func ParseSlotName(name string) (id [16]byte, err error) {
	digits, ok := strings.CutPrefix(name, PrefixKeys)
	if !ok || !parseHex(id[:], digits) {
		return [16]byte{}, badName("key slot", name)
	}
	return id, nil
}

// Object returns the pack's name.
func (p PackName) Object() string {
	digits := p.Hash.String()
	return string([]byte{byte(p.Kind), '/'}) + digits[:2] + "/" + digits
}

// String returns the pack's name.
func (p PackName) String() string { return p.Object() }

// ParsePackName parses the name of a data or metadata pack.
func ParsePackName(name string) (p PackName, err error) {
	const digitsAt = len("p/00/")
	if len(name) != digitsAt+2*IDSize || !Kind(name[0]).isPack() || name[1] != '/' || name[4] != '/' ||
		name[2:4] != name[digitsAt:digitsAt+2] || !parseHex(p.Hash[:], name[digitsAt:]) {
		return PackName{}, badName("pack", name)
	}
	p.Kind = Kind(name[0])
	return p, nil
}

// SegmentName returns the name of the index segment that host wrote and whose
// bytes have this SHA-256.
func SegmentName(host Host, hash ID) string { return PrefixSegments + hostAnd(host, hash[:]) }

// ParseSegmentName parses the name of an index segment.
func ParseSegmentName(name string) (host Host, hash ID, err error) {
	if !parseHostAnd(PrefixSegments, name, &host, hash[:]) {
		return Host{}, ID{}, badName("index segment", name)
	}
	return host, hash, nil
}

// SessionName returns the name of a session without a prefix, as manifests
// and records hold it.
func SessionName(host Host, random [16]byte) string { return hostAnd(host, random[:]) }

// ParseSessionName parses the name of a session without a prefix.
func ParseSessionName(session string) (host Host, random [16]byte, err error) {
	if !parseHostAnd("", session, &host, random[:]) {
		return Host{}, [16]byte{}, badName("session", session)
	}
	return host, random, nil
}

// SessionObject returns the name of a session's object.
func SessionObject(session string) string { return PrefixSessions + session }

// HeartbeatObject returns the name of a session's heartbeat.
func HeartbeatObject(session string) string { return PrefixHeartbeats + session }

// ManifestObject returns the name of a session's manifest or tombstone.
func ManifestObject(session string) string { return PrefixManifests + session }

// ParseSessionObject returns the session by the name of its object.
func ParseSessionObject(name string) (session string, err error) {
	return cutSession(PrefixSessions, name)
}

// ParseHeartbeatObject returns the session by the name of its heartbeat.
func ParseHeartbeatObject(name string) (session string, err error) {
	return cutSession(PrefixHeartbeats, name)
}

// ParseManifestObject returns the session by the name of its manifest or tombstone.
func ParseManifestObject(name string) (session string, err error) {
	return cutSession(PrefixManifests, name)
}

func cutSession(prefix, name string) (string, error) {
	session, ok := strings.CutPrefix(name, prefix)
	if _, _, err := ParseSessionName(session); !ok || err != nil {
		return "", badName("object of a session", name)
	}
	return session, nil
}

// RecordName returns the name of a record of prune or damage.
func RecordName(host Host, random [16]byte) string { return PrefixRecords + hostAnd(host, random[:]) }

// ParseRecordName parses the name of a record of prune or damage; that of a
// decision is none.
func ParseRecordName(name string) (host Host, random [16]byte, err error) {
	if !parseHostAnd(PrefixRecords, name, &host, random[:]) {
		return Host{}, [16]byte{}, badName("record", name)
	}
	return host, random, nil
}

// DecisionName returns the name of the decision about the record so named.
func DecisionName(record string) string { return record + decisionSuffix }

// ParseDecisionName returns the name of the record that a decision is about.
func ParseDecisionName(name string) (record string, err error) {
	record, ok := strings.CutSuffix(name, decisionSuffix)
	if _, _, err := ParseRecordName(record); !ok || err != nil {
		return "", badName("decision", name)
	}
	return record, nil
}

// hostAnd returns "<host>-<hex of tail>".
func hostAnd(host Host, tail []byte) string {
	return host.String() + "-" + hex.EncodeToString(tail)
}

// parseHostAnd undoes hostAnd behind a prefix.
func parseHostAnd(prefix, name string, host *Host, tail []byte) bool {
	text, ok := strings.CutPrefix(name, prefix)
	const dash = 2 * len(host)
	return ok && len(text) > dash && text[dash] == '-' &&
		parseHex(host[:], text[:dash]) && parseHex(tail, text[dash+1:])
}

// parseHex sets dst from exactly as many lower-case digits as it takes.
func parseHex(dst []byte, digits string) bool {
	if len(digits) != 2*len(dst) || strings.ContainsAny(digits, "ABCDEF") {
		return false
	}
	_, err := hex.Decode(dst, []byte(digits))
	return err == nil
}

func badName(what, name string) error {
	return fmt.Errorf("parse name of %s %q: %w", what, name, ErrName)
}
