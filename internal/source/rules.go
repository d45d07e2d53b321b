package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxRules bounds a file of patterns, in bytes.
const maxRules = 4 << 20

// rules are patterns in order; the last one that matches decides.
type rules struct {
	patterns []pattern
	folds    bool // one of them folds
	// fromTop says that patterns beginning with "/" count from the root of the
	// file system rather than from the base.
	fromTop bool
}

type verdict int8

const (
	undecided verdict = iota
	keep
	leave
)

func (r *rules) add(p pattern) {
	r.patterns = append(r.patterns, p)
	r.folds = r.folds || p.fold
}

// addLines adds the patterns of a file's text and returns what is wrong with
// each line that can never match.
func (r *rules) addLines(text []byte, fold bool) []error {
	var wrong []error
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if strings.HasPrefix(line, "#") || trimBlanks(line) == "" {
			continue
		}
		p, err := parsePattern(line, fold)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("line %d: %w", number, err))
			continue
		}
		r.add(p)
	}
	return wrong
}

// judge decides on a path, given from the top without leading slash. The base
// is the length of the part of it that ends with the base's slash, and name
// its last part.
func (r *rules) judge(path string, base int, name string, directory bool) verdict {
	var foldedPath, foldedName string
	if r.folds {
		foldedPath = foldText(path[base:])
		foldedName = foldedPath[strings.LastIndexByte(foldedPath, '/')+1:]
	}
	for i := len(r.patterns) - 1; i >= 0; i-- {
		p := &r.patterns[i]
		from, last := path[base:], name
		if p.fold {
			from, last = foldedPath, foldedName
		}
		if p.absolute && r.fromTop {
			from = path
			if p.fold {
				from = foldText(path)
			}
		}
		if p.match(from, last, directory) {
			if p.negated {
				return keep
			}
			return leave
		}
	}
	return undecided
}

// A scope is the rules that hold in a directory and below it, the strongest first.
type scope struct {
	rules  *rules
	reason Reason // for what they leave out
	base   int    // length of the key of the directory they are relative to
	next   *scope
}

// judge asks the rules one after the other and reports whether the path is to be left out.
func (s *scope) judge(path, name string, directory bool) (Reason, bool) {
	for ; s != nil; s = s.next {
		if v := s.rules.judge(path, s.base, name, directory); v != undecided {
			return s.reason, v == leave
		}
	}
	return 0, false
}

// optionRules compiles the patterns given as options. One that can never match is an error.
func optionRules(o *FilesOptions) (*rules, error) {
	r := &rules{fromTop: true}
	for _, path := range o.ExcludeFiles {
		text, err := readRules(path)
		if err != nil {
			return nil, fmt.Errorf("read exclude file %s: %w", path, err)
		}
		if err := errors.Join(r.addLines(text, false)...); err != nil {
			return nil, fmt.Errorf("read exclude file %s: %w", path, err)
		}
	}
	for i, lines := range [][]string{o.Exclude, o.IExclude} {
		for _, line := range lines {
			p, err := parsePattern(line, i == 1)
			if err != nil {
				return nil, err
			}
			r.add(p)
		}
	}
	return r, nil
}

func readRules(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return limitedRules(file)
}

func limitedRules(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxRules+1))
	if err == nil && len(text) > maxRules {
		err = fmt.Errorf("patterns of over %d bytes", maxRules)
	}
	return text, err
}
