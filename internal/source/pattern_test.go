//go:build linux

package source

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// ignored reports what lines of one ignore file at the top say about a path,
// with directories above it judged first, as a walk does.
func ignored(lines, path string) bool {
	r := new(rules)
	r.addLines([]byte(lines), false)
	directory := strings.HasSuffix(path, "/")
	path = strings.TrimSuffix(path, "/")
	for i := range path {
		if path[i] == '/' && r.judge(path[:i], 0, path[strings.LastIndexByte(path[:i], '/')+1:i], true) == leave {
			return true
		}
	}
	return r.judge(path, 0, path[strings.LastIndexByte(path, '/')+1:], directory) == leave
}

// patternTable holds ignore files and a path each, "/" behind directories.
var patternTable = []struct {
	lines, path string
	want        bool
}{
	{"foo", "foo", true},
	{"foo", "a/b/foo", true},
	{"foo", "foo/bar", true},
	{"foo", "foobar", false},
	{"/foo", "foo", true},
	{"/foo", "a/foo", false},
	{"foo/", "foo", false},
	{"foo/", "foo/", true},
	{"foo/", "a/foo/x", true},
	{"a/foo", "a/foo", true},
	{"a/foo", "b/a/foo", false},
	{"a/foo/", "a/foo/x", true},
	{"a/b/", "a/bc/", false},
	{"*.o", "a/x.o", true},
	{"*.o", ".o", true},
	{"*.o", "x.oo", false},
	{"*", "anything", true},
	{"a/*", "a/b/c", true},
	{"a/*", "a/", false},
	{"a/*.c", "a/b/x.c", false},
	{"a?c", "abc", true},
	{"a?c", "a/c", false},
	{"?", "ä", false},
	{"??", "ä", true},
	{"**/foo", "foo", true},
	{"**/foo", "a/b/foo", true},
	{"**/foo/bar", "x/foo/bar", true},
	{"**/foo/bar", "x/foo/y/bar", false},
	{"foo/**", "foo/", false},
	{"foo/**", "foo/a/b", true},
	{"a/**/b", "a/b", true},
	{"a/**/b", "a/x/y/b", true},
	{"a/**/b", "ab", false},
	{"a/**/b/**/c", "a/b/b/x/c", true},
	{"a/***/b", "a/x/y/b", true},
	{"a**b", "axxb", true},
	{"x/a**b", "x/a/b", false},
	{"**", "a", true},
	{"/**", "a/b", true},
	{"**/", "a", false},
	{"**/", "a/", true},
	{"a/**/**", "a/b", true},
	{"**/**/a", "a", true},
	{"*\n!foo", "foo", false},
	{"*\n!foo", "bar", true},
	{"!foo\nfoo", "foo", true},
	{"dir/\n!dir/keep", "dir/keep", true},
	{"dir/*\n!dir/keep", "dir/keep", false},
	{"/*\n!/foo\n/foo/*\n!/foo/bar", "foo/bar", false},
	{"/*\n!/foo\n/foo/*\n!/foo/bar", "foo/x", true},
	{"\\!foo", "!foo", true},
	{"\\#foo", "#foo", true},
	{"#foo", "#foo", false},
	{"foo ", "foo", true},
	{"foo\\ ", "foo ", true},
	{"foo\\  ", "foo ", true},
	{"foo\t", "foo", false},
	{"foo\t", "foo\t", true},
	{" foo", " foo", true},
	{" foo", "foo", false},
	{"foo\r", "foo", true},
	{"foo\r\nbar", "foo", true},
	{"\xef\xbb\xbffoo", "foo", true},
	{"foo\\*", "foo*", true},
	{"foo\\*", "foox", false},
	{"foo\\", "foo\\", false},
	{"foo\\\\", "foo\\", true},
	{"a\\/b", "a/b", true},
	{"f\\oo", "foo", true},
	{"[abc]", "b", true},
	{"[!abc]", "b", false},
	{"[^abc]", "d", true},
	{"[a-c]x", "bx", true},
	{"[a-c]x", "dx", false},
	{"[c-a]", "b", false},
	{"[]]", "]", true},
	{"[]-a]", "_", true},
	{"[!]]", "]", false},
	{"[a-]", "-", true},
	{"[-a]", "-", true},
	{"[a-c-e]", "d", false},
	{"[a-c-e]", "-", true},
	{"[\\]]", "]", true},
	{"[\\a-\\c]", "b", true},
	{"[a\\-c]", "b", false},
	{"[[:digit:]]", "7", true},
	{"[[:alpha:][:digit:]_]", "_", true},
	{"[![:space:]]", "x", true},
	{"[[:nope:]]", "n", false},
	{"[[:digit]", "[", true},
	{"[:alpha:]", "h", true},
	{"[abc", "a", false},
	{"[abc", "[abc", false},
	{"a[b/c]d", "abd", true},
	{"a[b/c]d", "x/abd", false},
	{"a[/]b", "a/b", false},
	{"a[!x]b", "a/b", false},
	{"a[^b]c", "adc", true},
	{"*/foo", "a/foo", true},
	{"*/foo", "foo", false},
	{"*/*/c", "a/b/c", true},
	{"a*b*c*d", "axbxcxd", true},
	{"a*b*c*d", "axbxcx", false},
	{"x/*a*", "x/bab", true},
	{"/", "a", false},
	{"//", "a", false},
	{"//a", "a", false},
	{"a//b", "a/b", false},
	{"a//", "a/", false},
	{"!", "!", false},
	{"\n\nfoo", "foo", true},
	{"\xff*", "\xffx", true},
	{"?", "\xff", true},
	{"foo/*/", "foo/a", false},
	{"foo/*/", "foo/a/", true},
	{"doc/frotz/", "a/doc/frotz/", false},
}

func TestPatterns(t *testing.T) {
	for _, tt := range patternTable {
		if got := ignored(tt.lines, tt.path); got != tt.want {
			t.Errorf("%q on %q: %v", tt.lines, tt.path, got)
		}
	}
}

// gitIgnored makes paths in dir, of those that contradict each other the first, and asks git about
// them. It returns those made and the answers.
func gitIgnored(t testing.TB, dir, lines string, wanted []string) (paths []string, verdicts []bool) {
	t.Helper()
	old, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range old {
		if e.Name() != ".git" {
			must(t, os.RemoveAll(dir+"/"+e.Name()))
		}
	}
	write(t, lines, dir, ".gitignore")
	var in bytes.Buffer
	for _, path := range wanted {
		var err error
		if strings.HasSuffix(path, "/") {
			err = os.MkdirAll(dir+"/"+path, 0o755)
		} else if err = os.MkdirAll(filepath.Dir(dir+"/"+path), 0o755); err == nil {
			err = os.WriteFile(dir+"/"+path, nil, 0o644)
		}
		if err == nil {
			paths = append(paths, path)
			in.WriteString(strings.TrimSuffix(path, "/") + "\x00")
		}
	}
	cmd := exec.Command("git", "-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", "-z", "-v", "-n", "--stdin")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_CEILING_DIRECTORIES=/")
	cmd.Stdin = &in
	out, err := cmd.Output()
	if exit := new(exec.ExitError); errors.As(err, &exit) && exit.ExitCode() == 1 {
		err = nil // none is ignored
	}
	must(t, err)
	fields := strings.Split(string(out), "\x00") // source, line, pattern, path, …
	if len(fields) != 4*len(paths)+1 {
		t.Fatalf("%d fields for %d paths", len(fields), len(paths))
	}
	verdicts = make([]bool, len(paths))
	for i := range paths {
		pattern := fields[4*i+2]
		verdicts[i] = pattern != "" && !strings.HasPrefix(pattern, "!")
	}
	return paths, verdicts
}

func gitRepository(t testing.TB) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not there to compare with")
	}
	dir := t.TempDir()
	out, err := exec.Command("git", "init", "-q", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

func TestPatternsAgainstGit(t *testing.T) {
	dir := gitRepository(t)
	for _, tt := range patternTable {
		if strings.Contains(tt.path, "//") {
			continue
		}
		if _, got := gitIgnored(t, dir, tt.lines, []string{tt.path}); len(got) != 1 || got[0] != tt.want {
			t.Errorf("git says %v to %q on %q", got, tt.lines, tt.path)
		}
	}
}

func TestPatternsAgainstGitProperty(t *testing.T) {
	dir := gitRepository(t)
	piece := rapid.SampledFrom([]string{
		"a", "b", "ab", "*", "**", "?", "/", "/", "[ab]", "[!a]", "[a-b", "\\", "\\a", ".", "!", " ", "[]]", "[[:alpha:]]",
	})
	line := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(piece, 1, 6).Draw(t, "pieces"), "") })
	name := rapid.StringMatching(`[ab.]{1,3}`)
	path := rapid.Custom(func(t *rapid.T) string {
		p := strings.Join(rapid.SliceOfN(name, 1, 4).Draw(t, "names"), "/")
		if rapid.Bool().Draw(t, "directory") {
			p += "/"
		}
		return p
	})
	valid := path.Filter(func(p string) bool {
		for n := range strings.SplitSeq(p, "/") {
			if n == "." || n == ".." {
				return false
			}
		}
		return true
	})
	rapid.Check(t, func(r *rapid.T) {
		lines := strings.Join(rapid.SliceOfN(line, 1, 3).Draw(r, "lines"), "\n")
		paths := rapid.SliceOfN(valid, 1, 30).Draw(r, "paths")
		if strings.Contains(lines, "**") && unusual(lines) {
			r.Skip("git takes two stars behind other characters for more than gitignore(5) says")
		}
		paths, verdicts := gitIgnored(t, dir, lines, paths)
		for i, want := range verdicts {
			if got := ignored(lines, paths[i]); got != want {
				r.Errorf("%q on %q: %v, git says %v", lines, paths[i], got, want)
			}
		}
	})
}

// unusual reports whether two stars stand in a name with other characters.
func unusual(lines string) bool {
	for line := range strings.SplitSeq(lines, "\n") {
		line = strings.TrimPrefix(strings.TrimRight(line, " "), "!")
		for name := range strings.SplitSeq(line, "/") {
			if strings.Contains(name, "**") && strings.Trim(name, "*") != "" {
				return true
			}
		}
	}
	return false
}

func TestFold(t *testing.T) {
	tests := []struct {
		pattern, path string
		want          bool
	}{
		{"*.JPG", "a/x.jpg", true},
		{"*.jpg", "a/X.JPG", true},
		{"/A/b", "a/B", true},
		{"ÄRGER", "ärger", true},
		{"[A-C]", "b", true},
		{"[!a]", "A", false},
		{"[[:upper:]]", "x", true},
		{"\xffA", "\xffa", true},
		{"a", "\xffa", false},
	}
	for _, tt := range tests {
		p, err := parsePattern(tt.pattern, true)
		must(t, err)
		r := new(rules)
		r.add(p)
		if got := r.judge(tt.path, 0, tt.path[strings.LastIndexByte(tt.path, '/')+1:], false) == leave; got != tt.want {
			t.Errorf("%q on %q: %v", tt.pattern, tt.path, got)
		}
	}
}

// slowMatch is the textbook definition of matchTokens.
func slowMatch(tokens []token, name string) bool {
	if len(tokens) == 0 {
		return name == ""
	}
	if tokens[0].op == tokenStar {
		return slowMatch(tokens[1:], name) || name != "" && slowMatch(tokens, name[1:])
	}
	return name != "" && tokens[0].match(name[0]) && slowMatch(tokens[1:], name[1:])
}

// slowPath is the textbook definition of matchPath.
func slowPath(segments []segment, names []string) bool {
	if len(segments) == 0 {
		return len(names) == 0
	}
	if segments[0].anyDepth {
		return slowPath(segments[1:], names) || len(names) > 0 && slowPath(segments, names[1:])
	}
	return len(names) > 0 && segments[0].match(names[0]) && slowPath(segments[1:], names[1:])
}

func FuzzPattern(f *testing.F) {
	for _, tt := range patternTable {
		f.Add(tt.lines, strings.TrimSuffix(tt.path, "/"), false)
		f.Add(tt.lines, tt.path, true)
	}
	f.Fuzz(func(t *testing.T, lines, path string, fold bool) {
		if len(lines) > 40 || len(path) > 40 {
			return // the textbook is slow
		}
		ignored(lines, path)
		p, err := parsePattern(lines, fold)
		if err != nil {
			if !errors.Is(err, ErrPattern) {
				t.Fatal(err)
			}
			return
		}
		names := strings.Split(path, "/")
		for _, s := range p.segments {
			for _, name := range names {
				if s.kind == segmentTokens && !s.anyDepth && matchTokens(s.tokens, name) != slowMatch(s.tokens, name) {
					t.Errorf("%q on %q", lines, name)
				}
			}
		}
		if got, want := matchPath(p.segments, path), slowPath(p.segments, names); got != want {
			t.Errorf("%q on %q: %v", lines, path, got)
		}
		if folded := foldText(path); utf8.ValidString(path) != utf8.ValidString(folded) {
			t.Errorf("%q folded to %q", path, folded)
		}
	})
}

func BenchmarkPatterns(b *testing.B) {
	r := new(rules)
	for i := range 50 {
		r.addLines(fmt.Appendf(nil, "*.suffix%d\nname%d\n/top%d/*/x\n**/deep%d/y[ab]*\n", i, i, i, i), false)
	}
	b.ReportAllocs()
	for b.Loop() {
		r.judge("home/user/project/src/package/file.go", 0, "file.go", false)
	}
}
