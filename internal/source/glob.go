package source

import "strings"

// A token matches one byte of a name or, a star, any number of them. As in
// git, "?" and brackets match bytes, not characters.
type token struct {
	op  tokenOp
	b   byte
	set *byteSet
}

type tokenOp uint8

const (
	tokenByte tokenOp = iota
	tokenAny          // "?"
	tokenStar         // "*"
	tokenSet          // "[…]"
)

// A byteSet is a set of bytes.
type byteSet [4]uint64

func (s *byteSet) add(b byte)      { s[b>>6] |= 1 << (b & 63) }
func (s *byteSet) has(b byte) bool { return s[b>>6]&(1<<(b&63)) != 0 }

// matchTokens matches a name without slashes. Where a byte does not fit, the
// last star takes one more, so that the time is bounded by the product of the lengths.
func matchTokens(tokens []token, name string) bool {
	next, at := 0, 0
	star, starAt := -1, 0
	for at < len(name) {
		if next < len(tokens) && tokens[next].op == tokenStar {
			star, starAt = next, at
			next++
			continue
		}
		if next < len(tokens) && tokens[next].match(name[at]) {
			next++
			at++
			continue
		}
		if star < 0 {
			return false
		}
		starAt++
		next, at = star+1, starAt
	}
	for next < len(tokens) && tokens[next].op == tokenStar {
		next++
	}
	return next == len(tokens)
}

func (t token) match(b byte) bool {
	switch t.op {
	case tokenByte:
		return b == t.b
	case tokenSet:
		return t.set.has(b)
	}
	return true
}

// scanSegment reads tokens up to a slash or the end of text.
func scanSegment(text string, fold bool) (tokens []token, rest string, slash bool, err error) {
	for i := 0; i < len(text); i++ {
		b := text[i]
		switch b {
		case '/':
			return tokens, text[i+1:], true, nil
		case '*':
			tokens = append(tokens, token{op: tokenStar})
			continue
		case '?':
			tokens = append(tokens, token{op: tokenAny})
			continue
		case '[':
			set, length, err := scanSet(text[i:], fold)
			if err != nil {
				return nil, "", false, err
			}
			tokens = append(tokens, token{op: tokenSet, set: set})
			i += length - 1
			continue
		case '\\':
			i++
			if i == len(text) {
				return nil, "", false, ErrPattern
			}
			if b = text[i]; b == '/' { // a slash stays what it is
				return tokens, text[i+1:], true, nil
			}
		}
		if fold {
			b = lower(b)
		}
		tokens = append(tokens, token{op: tokenByte, b: b})
	}
	return tokens, "", false, nil
}

// scanSet reads a bracket expression at the start of text and returns its length.
func scanSet(text string, fold bool) (*byteSet, int, error) {
	var set byteSet
	i, negated := 1, false
	if i < len(text) && (text[i] == '!' || text[i] == '^') {
		negated = true
		i++
	}
	start := -1 // the byte a range may begin with
	for first := true; ; first = false {
		if i >= len(text) {
			return nil, 0, ErrPattern
		}
		b := text[i]
		switch {
		case b == ']' && !first:
			set.finish(negated, fold)
			return &set, i + 1, nil
		case b == '[' && strings.HasPrefix(text[i+1:], ":"):
			name, length := className(text[i:])
			if length == 0 {
				break // an ordinary "["
			}
			if !set.addClass(name) {
				return nil, 0, ErrPattern
			}
			i += length
			start = -1
			continue
		case b == '-' && start >= 0 && i+1 < len(text) && text[i+1] != ']':
			end, length := escaped(text[i+1:])
			if length == 0 {
				return nil, 0, ErrPattern
			}
			for c := start; c <= int(end); c++ {
				set.add(byte(c))
			}
			i += 1 + length
			start = -1
			continue
		}
		b, length := escaped(text[i:])
		if length == 0 {
			return nil, 0, ErrPattern
		}
		set.add(b)
		start = int(b)
		i += length
	}
}

// finish adds the other case of letters and turns the set round.
func (s *byteSet) finish(negated, fold bool) {
	for c := byte('a'); fold && c <= 'z'; c++ {
		if s.has(c - 'a' + 'A') {
			s.add(c)
		}
	}
	for i := range s {
		if negated {
			s[i] = ^s[i]
		}
	}
}

// escaped reads a byte that a backslash may stand before; a length of 0 says there is none.
func escaped(text string) (b byte, length int) {
	if text[0] != '\\' {
		return text[0], 1
	}
	if len(text) < 2 {
		return 0, 0
	}
	return text[1], 2
}

// className reads "[:name:]"; a length of 0 says that it is none.
func className(text string) (name string, length int) {
	end := strings.IndexByte(text[2:], ']')
	if end < 1 || text[2+end-1] != ':' {
		return "", 0
	}
	return text[2 : 2+end-1], 2 + end + 1
}

// addClass adds a POSIX character class, of ASCII.
func (s *byteSet) addClass(name string) bool {
	member, ok := classes[name]
	if !ok {
		return false
	}
	for c := range byte(128) {
		if member(c) {
			s.add(c)
		}
	}
	return true
}

var classes = map[string]func(byte) bool{
	"alnum":  func(c byte) bool { return isAlpha(c) || isDigit(c) },
	"alpha":  isAlpha,
	"blank":  func(c byte) bool { return c == ' ' || c == '\t' },
	"cntrl":  func(c byte) bool { return c < ' ' || c == 127 },
	"digit":  isDigit,
	"graph":  func(c byte) bool { return c > ' ' && c < 127 },
	"lower":  func(c byte) bool { return 'a' <= c && c <= 'z' },
	"print":  func(c byte) bool { return c >= ' ' && c < 127 },
	"punct":  func(c byte) bool { return c > ' ' && c < 127 && !isAlpha(c) && !isDigit(c) },
	"space":  func(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' },
	"upper":  func(c byte) bool { return 'A' <= c && c <= 'Z' },
	"xdigit": func(c byte) bool { return isDigit(c) || 'a' <= lower(c) && lower(c) <= 'f' },
}

func isAlpha(c byte) bool { return 'a' <= lower(c) && lower(c) <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
