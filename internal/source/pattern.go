package source

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrPattern says that a pattern can never match anything.
var ErrPattern = errors.New("pattern can never match")

// A pattern is one line of gitignore(5), compiled.
type pattern struct {
	negated  bool // "!": what matches is kept
	dirOnly  bool // "/" at the end
	anchored bool // has another "/": is matched against the path, else against the name
	absolute bool // begins with "/"
	fold     bool // upper and lower case are alike
	segments []segment
}

// A segment is what stands between two slashes of a pattern.
type segment struct {
	anyDepth bool // "**": any number of directories, none included
	literal  string
	kind     segmentKind
	tokens   []token
}

type segmentKind uint8

const (
	segmentTokens  segmentKind = iota // tokens decide
	segmentLiteral                    // equal to literal
	segmentSuffix                     // "*" and literal
)

// parsePattern compiles one line without its line end.
func parsePattern(line string, fold bool) (pattern, error) {
	text := trimBlanks(line)
	p := pattern{fold: fold}
	if rest, ok := strings.CutPrefix(text, "!"); ok {
		p.negated, text = true, rest
	}
	if rest, ok := strings.CutSuffix(text, "/"); ok {
		p.dirOnly, text = true, rest
	}
	if fold {
		text = foldWide(text)
	}
	p.anchored = strings.Contains(text, "/")
	if rest, ok := strings.CutPrefix(text, "/"); ok {
		p.absolute, text = true, rest
	}
	err := p.compile(text)
	if err != nil {
		return pattern{}, fmt.Errorf("read pattern %q: %w", line, err)
	}
	return p, nil
}

// compile cuts text at its slashes and compiles the parts.
func (p *pattern) compile(text string) error {
	for more := true; more; {
		tokens, rest, slash, err := scanSegment(text, p.fold)
		if err != nil {
			return err
		}
		if len(tokens) == 0 {
			return ErrPattern // an empty name
		}
		text, more = rest, slash
		p.segments = append(p.segments, makeSegment(tokens, p.anchored))
	}
	if last := len(p.segments) - 1; p.segments[last].anyDepth {
		// "**" at the end is everything inside: at least one name.
		one := makeSegment([]token{{op: tokenStar}}, false)
		p.segments = append(p.segments[:last], one, segment{anyDepth: true})
	}
	return nil
}

// makeSegment finds the cheapest way to match tokens.
func makeSegment(tokens []token, anchored bool) segment {
	stars := 0
	for stars < len(tokens) && tokens[stars].op == tokenStar {
		stars++
	}
	if stars == len(tokens) && stars > 1 && anchored {
		return segment{anyDepth: true}
	}
	var literal strings.Builder
	for _, t := range tokens[stars:] {
		if t.op != tokenByte {
			return segment{kind: segmentTokens, tokens: tokens}
		}
		literal.WriteByte(t.b)
	}
	if stars > 0 {
		return segment{kind: segmentSuffix, literal: literal.String()}
	}
	return segment{kind: segmentLiteral, literal: literal.String()}
}

// match reports whether the pattern matches a path relative to its base, or
// the last name of it. Both are folded if the pattern is.
func (p *pattern) match(path, name string, directory bool) bool {
	if p.dirOnly && !directory {
		return false
	}
	if !p.anchored {
		return p.segments[0].match(name)
	}
	if !p.segments[len(p.segments)-1].match(name) {
		return false // most often so, and found out soonest
	}
	return matchPath(p.segments, path)
}

// matchPath matches names one by one. Where a name does not fit, the last "**"
// takes one more and the match goes on behind it; going back to an earlier one
// could gain nothing.
func matchPath(segments []segment, path string) bool {
	next, rest, more := 0, path, true
	depth, depthRest := -1, "" // the last "**" and what follows the names it took
	for more {
		if next < len(segments) && segments[next].anyDepth {
			if next == len(segments)-1 {
				return true
			}
			depth, depthRest = next, rest
			next++
			continue
		}
		name, tail, found := strings.Cut(rest, "/")
		if next < len(segments) && segments[next].match(name) {
			next, rest, more = next+1, tail, found
			continue
		}
		if depth < 0 {
			return false
		}
		if _, depthRest, found = strings.Cut(depthRest, "/"); !found {
			return false
		}
		next, rest = depth+1, depthRest
	}
	for next < len(segments) && segments[next].anyDepth {
		next++
	}
	return next == len(segments)
}

func (s *segment) match(name string) bool {
	switch {
	case s.anyDepth:
		return true
	case s.kind == segmentLiteral:
		return name == s.literal
	case s.kind == segmentSuffix:
		return strings.HasSuffix(name, s.literal)
	}
	return matchTokens(s.tokens, name)
}

// trimBlanks cuts off blanks at the end that no backslash protects.
func trimBlanks(line string) string {
	end := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case ' ':
			continue
		case '\\':
			i++
		}
		end = min(i+1, len(line))
	}
	return line[:end]
}

// foldText turns s to lower case and leaves bytes that are not UTF-8 alone.
func foldText(s string) string {
	return mapText(s, unicode.ToLower)
}

// foldWide does so for all but ASCII, which has a meaning in patterns.
func foldWide(s string) string {
	return mapText(s, func(r rune) rune {
		if r < utf8.RuneSelf {
			return r
		}
		return unicode.ToLower(r)
	})
}

func mapText(s string, to func(rune) rune) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			b.WriteByte(s[i])
		} else {
			b.WriteRune(to(r))
		}
		i += n
	}
	return b.String()
}
