package source

import (
	"strings"
)

// Patterns choose entries by their keys, for finding and restoring. They are
// patterns as in gitignore(5); one with "/" at its beginning or within counts
// from the top, and of those that match the last decides.
type Patterns struct{ rules rules }

// NewPatterns reads patterns, one in each string. The error wraps ErrPattern.
func NewPatterns(patterns []string, ignoreCase bool) (*Patterns, error) {
	p := &Patterns{rules: rules{fromTop: true}}
	for _, text := range patterns {
		parsed, err := parsePattern(text, ignoreCase)
		if err != nil {
			return nil, err
		}
		p.rules.add(parsed)
	}
	return p, nil
}

// Match reports whether the patterns choose the entry itself.
func (p *Patterns) Match(key []byte) bool {
	path, directory := strings.CutSuffix(string(key), "/")
	return p.judge(path, directory) == leave
}

// MatchBelow reports whether the patterns choose the entry or a directory it is in.
func (p *Patterns) MatchBelow(key []byte) bool {
	path, directory := strings.CutSuffix(string(key), "/")
	for i := 0; i < len(path); i++ {
		if path[i] == '/' && p.judge(path[:i], true) == leave {
			return true
		}
	}
	return p.judge(path, directory) == leave
}

func (p *Patterns) judge(path string, directory bool) verdict {
	name := path[strings.LastIndexByte(path, '/')+1:]
	return p.rules.judge(path, 0, name, directory)
}
