package source

import "testing"

func TestPatternsChooseKeys(t *testing.T) {
	for _, c := range []struct {
		patterns   []string
		fold       bool
		key        string
		own, below bool
	}{
		{[]string{"*.conf"}, false, "etc/a.conf", true, true},
		{[]string{"*.conf"}, false, "etc/a.CONF", false, false},
		{[]string{"*.conf"}, true, "etc/a.CONF", true, true},
		{[]string{"/etc"}, false, "etc/", true, true},
		{[]string{"/etc"}, false, "etc/a.conf", false, true},
		{[]string{"/etc"}, false, "var/etc", false, false},
		{[]string{"etc/"}, false, "var/etc", false, false},
		{[]string{"etc/"}, false, "var/etc/", true, true},
		{[]string{"*", "!b"}, false, "b", false, false},
		{[]string{"/a/**/z"}, false, "a/b/c/z", true, true},
	} {
		p, err := NewPatterns(c.patterns, c.fold)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Match([]byte(c.key)); got != c.own {
			t.Errorf("%q matches %q: %v", c.patterns, c.key, got)
		}
		if got := p.MatchBelow([]byte(c.key)); got != c.below {
			t.Errorf("%q matches %q or above: %v", c.patterns, c.key, got)
		}
	}
}
