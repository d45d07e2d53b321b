package format

import (
	"errors"
	"strings"
	"testing"
)

// nameParsers encode again what they parsed.
var nameParsers = map[string]func(string) (string, error){
	"root": func(s string) (string, error) {
		n, err := ParseRootName(s)
		if strings.HasPrefix(s, PrefixKeys) {
			return RootCopyName(n), err
		}
		return RootName(n), err
	},
	"slot":    func(s string) (string, error) { id, err := ParseSlotName(s); return SlotName(id), err },
	"pack":    func(s string) (string, error) { p, err := ParsePackName(s); return p.Object(), err },
	"segment": func(s string) (string, error) { h, id, err := ParseSegmentName(s); return SegmentName(h, id), err },
	"session": func(s string) (string, error) { h, r, err := ParseSessionName(s); return SessionName(h, r), err },
	"session object": func(s string) (string, error) {
		session, err := ParseSessionObject(s)
		return SessionObject(session), err
	},
	"heartbeat": func(s string) (string, error) {
		session, err := ParseHeartbeatObject(s)
		return HeartbeatObject(session), err
	},
	"manifest": func(s string) (string, error) {
		session, err := ParseManifestObject(s)
		return ManifestObject(session), err
	},
	"record": func(s string) (string, error) { h, r, err := ParseRecordName(s); return RecordName(h, r), err },
	"decision": func(s string) (string, error) {
		record, err := ParseDecisionName(s)
		return DecisionName(record), err
	},
	"host": func(s string) (string, error) { h, err := ParseHost(s); return h.String(), err },
	"ID":   func(s string) (string, error) { id, err := ParseID(s); return id.String(), err },
}

var (
	hex16 = strings.Repeat("a7", 8)
	hex32 = strings.Repeat("0f", 16)
	hex64 = strings.Repeat("3c", 32)
)

// validNames are names, and who may accept them: nobody else does.
var validNames = map[string]string{
	"firn.repository":                 "root",
	"firn.repository.2":               "root",
	"firn.repository.4294967295":      "root",
	"k/firn.repository":               "root",
	"k/firn.repository.10":            "root",
	"k/" + hex32:                      "slot",
	"p/3c/" + hex64:                   "pack",
	"q/3c/" + hex64:                   "pack",
	"x/" + hex16 + "-" + hex64:        "segment",
	hex16 + "-" + hex32:               "session",
	"s/" + hex16 + "-" + hex32:        "session object",
	"h/" + hex16 + "-" + hex32:        "heartbeat",
	"m/" + hex16 + "-" + hex32:        "manifest",
	"g/" + hex16 + "-" + hex32:        "record",
	"g/" + hex16 + "-" + hex32 + ".s": "decision",
	hex16:                             "host",
	hex64:                             "ID",
}

func TestNamesComeBack(t *testing.T) {
	for name, owner := range validNames {
		for kind, parse := range nameParsers {
			again, err := parse(name)
			if kind == owner && (err != nil || again != name) {
				t.Errorf("%s %q: %q, %v", kind, name, again, err)
			}
			if kind != owner && !errors.Is(err, ErrName) {
				t.Errorf("%q passes for a %s: %v", name, kind, err)
			}
		}
	}
}

func TestNamesRefuseAnythingElse(t *testing.T) {
	bad := []string{
		"", "/", "p", "k/", "firn.repository.", "firn.repository.0", "firn.repository.1", "firn.repository.02",
		"firn.repository.+2", "firn.repository.4294967296", "firn.repository/2", "p/3d/" + hex64, "r/3c/" + hex64,
	}
	for name := range validNames {
		bad = append(bad, name+"0", " "+name, name+"/", "/"+name, name+"\n", name[:len(name)-1]+"g", strings.ToUpper(name))
		if strings.Contains(name, "-") {
			bad = append(bad, strings.Replace(name, "-", "_", 1), strings.Replace(name, "-", "", 1))
		}
	}
	for _, name := range bad {
		for kind, parse := range nameParsers {
			if again, err := parse(name); !errors.Is(err, ErrName) && again != name {
				t.Errorf("%q passes for a %s, as %q: %v", name, kind, again, err)
			}
		}
	}
}

func TestHostOf(t *testing.T) {
	// The first bytes of the SHA-256 of "abc", FIPS 180-2 appendix B.1.
	if got := HostOf([]byte("abc")).String(); got != "ba7816bf8f01cfea" {
		t.Errorf("HostOf = %s", got)
	}
}

func TestShortID(t *testing.T) {
	full, err := ParseID(strings.Repeat("01", 16) + strings.Repeat("02", 16))
	if err != nil {
		t.Fatal(err)
	}
	if got := full.Short().String(); got != strings.Repeat("01", 16) {
		t.Errorf("Short = %s", got)
	}
}
