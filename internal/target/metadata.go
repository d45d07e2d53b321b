package target

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"

	"firn/internal/format"
)

const (
	permissions = 0o0777
	identity    = 0o6000 // setuid and setgid
)

// metadata is what an entry's metadata come to on this system.
type metadata struct {
	kind        uint32 // format.Type…
	mode        uint32
	uid, gid    int // or nobody: left as it is
	seconds     int64
	nanoseconds int64
	untimed     bool // the times are not known
	attributes  []format.Attribute
}

// present is what is known of a node's metadata before they are set, so that
// nothing is set twice.
type present struct {
	uid, gid     int // or nobody: not known
	mode         uint32
	modeKnown    bool
	inheritedACL bool // the node may have an ACL from its folder
}

// nobody stands for no number of a user or group, to the system too.
const nobody = -1

var unknown = present{uid: nobody, gid: nobody}

// report tells of something about an entry.
func (d *Disk) report(key []byte, op string, err error) {
	if d.opts.Report != nil {
		d.opts.Report(Event{Key: key, Op: op, Err: err})
	}
}

// metadata works out what can be set of an entry's metadata and reports what
// cannot. The result shares the entry's attributes.
func (d *Disk) metadata(key []byte, kind uint32, e *format.Entry) metadata {
	m := metadata{
		kind: kind, mode: e.Mode & 0o7777, uid: nobody, gid: nobody,
		seconds: e.MTime, nanoseconds: int64(e.MTimeNS), untimed: e.Flags&format.FlagAbove != 0,
	}
	if e.MTimeNS >= 1e9 { // some such numbers mean something else to the system
		d.report(key, "set time", fmt.Errorf("%d nanoseconds", e.MTimeNS))
		m.nanoseconds = 0
	}
	if d.opts.Xattrs {
		m.attributes = e.Attributes
	}
	if d.opts.Owner {
		m.uid = d.owner(key, "set owner", d.users, e.User, e.UID)
		m.gid = d.owner(key, "set group", d.groups, e.Group, e.GID)
	}
	return m
}

// owner chooses the number for a user or group.
func (d *Disk) owner(key []byte, op string, names *names, name string, number uint64) int {
	if id, ok := names.lookup(name); ok {
		return id
	}
	if number >= math.MaxUint32 { // the highest means "unchanged" to the system
		d.report(key, op, fmt.Errorf("no such number: %d", number))
		return nobody
	}
	return int(number)
}

// apply sets metadata. Changing the owner drops capabilities and bits of the
// mode; a mode without write permission keeps ordinary users from setting
// attributes; all of them may change times. Hence the order. (The mode after
// an ACL changes nothing of it: the mode's group bits are the ACL's mask.)
func (d *Disk) apply(key []byte, n node, m *metadata, now present) {
	owned := d.applyOwner(key, n, m, &now)
	if now.inheritedACL {
		now.modeKnown = false
		if err := n.removeAttribute(aclAccess); err != nil && !isNoAttribute(err) && !isUnsupported(err) {
			d.report(key, "remove inherited ACL", err)
		}
	}
	for i := range m.attributes {
		now.modeKnown = false
		d.applyAttribute(key, n, &m.attributes[i], owned)
	}
	d.applyMode(key, n, m, now, owned)
	if m.untimed {
		return
	}
	if err := n.setTime(m.seconds, m.nanoseconds); err != nil {
		d.report(key, "set time", err)
	}
}

// applyOwner returns whether the node belongs to whom it should.
func (d *Disk) applyOwner(key []byte, n node, m *metadata, now *present) bool {
	if !d.opts.Owner {
		return false
	}
	owned := m.uid != nobody && m.gid != nobody
	if owned && m.uid == now.uid && m.gid == now.gid {
		return true
	}
	now.modeKnown = false
	err := n.chown(m.uid, m.gid)
	if err == nil {
		return owned
	}
	d.report(key, "set owner", err)
	if m.gid != nobody && errors.Is(err, os.ErrPermission) {
		// Another of one's own groups can be given without privileges; if it
		// is none of them, that has just been reported.
		_ = n.chown(nobody, m.gid)
	}
	return false
}

func (d *Disk) applyMode(key []byte, n node, m *metadata, now present, owned bool) {
	if m.kind == format.TypeSymlink {
		return
	}
	mode := m.mode
	if m.kind != format.TypeDirectory && !owned && mode&identity != 0 {
		mode &^= identity
		d.report(key, "set mode", errors.New("setuid and setgid left out: owner is not restored"))
	}
	if now.modeKnown && now.mode == mode {
		return
	}
	if err := n.chmod(mode); err != nil {
		d.report(key, "set mode", err)
	}
}

func (d *Disk) applyAttribute(key []byte, n node, a *format.Attribute, owned bool) {
	name := string(a.Name)
	op := "set attribute " + name
	switch {
	case a.Spilled != nil && a.Value == nil:
		d.report(key, op, errNotLoaded)
		return
	case name == "" || strings.IndexByte(name, 0) >= 0:
		d.report(key, op, fmt.Errorf("%w: name of attribute", ErrKey))
		return
	case name == capability && !owned:
		d.report(key, op, errors.New("left out: owner is not restored"))
		return
	}
	if err := n.setAttribute(name, a.Value); err != nil {
		d.report(key, op, err)
	}
}

// clearAttributes removes extended attributes that the entry does not have
// from a node that existed before. Those that the system manages stay.
func (d *Disk) clearAttributes(key []byte, n node, m *metadata) {
	if !d.opts.Xattrs {
		return
	}
	list, err := n.attributes()
	if err != nil {
		if !isUnsupported(err) {
			d.report(key, "list attributes", err)
		}
		return
	}
	for _, name := range list {
		if !restorable(name) || m.has(name) {
			continue
		}
		if err := n.removeAttribute(name); err != nil && !isNoAttribute(err) {
			d.report(key, "remove attribute "+name, err)
		}
	}
}

func restorable(name string) bool {
	return strings.HasPrefix(name, "user.") || name == aclAccess || name == aclDefault || name == capability
}

func (m *metadata) has(name string) bool {
	for i := range m.attributes {
		if bytes.Equal(m.attributes[i].Name, []byte(name)) {
			return true
		}
	}
	return false
}

// keep makes the metadata independent of the entry they were taken from.
func (m *metadata) keep() {
	if len(m.attributes) == 0 {
		m.attributes = nil
		return
	}
	kept := make([]format.Attribute, len(m.attributes))
	for i, a := range m.attributes {
		kept[i] = format.Attribute{Name: bytes.Clone(a.Name), Value: bytes.Clone(a.Value), Spilled: a.Spilled}
	}
	m.attributes = kept
}

var errNotLoaded = errors.New("value was not loaded")
