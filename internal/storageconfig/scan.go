package storageconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// scanner reads JSON value by value and knows where each stands.
type scanner struct {
	input   []byte
	decoder *json.Decoder
}

// newScanner checks what must hold of the text as a whole.
func newScanner(text []byte) (*scanner, error) {
	if len(text) > MaxSize {
		return nil, &Error{Line: 1, Column: 1, Problem: fmt.Sprintf("larger than %d bytes", MaxSize), is: ErrMalformed}
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF")) // editors on Windows put it there
	s := &scanner{text, json.NewDecoder(bytes.NewReader(text))}
	s.decoder.UseNumber()
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			return nil, s.fail(int64(at), "not UTF-8")
		}
		at += size
	}
	return s, nil
}

// place turns an offset into line and column.
func (s *scanner) place(offset int64) (line, column int) {
	before := s.input[:min(max(offset, 0), int64(len(s.input)))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[start:]) + 1
}

// fail is a mistake at an offset.
func (s *scanner) fail(offset int64, format string, args ...any) error {
	line, column := s.place(offset)
	return &Error{line, column, fmt.Sprintf(format, args...), ErrMalformed}
}

// because gives an error, if there is one, its place.
func (s *scanner) because(offset int64, err error) error {
	if err == nil {
		return nil
	}
	return s.fail(offset, "%v", err)
}

// next returns where the next token begins.
func (s *scanner) next() int64 {
	at := s.decoder.InputOffset()
	for at < int64(len(s.input)) && strings.IndexByte(" \t\r\n,:", s.input[at]) >= 0 {
		at++
	}
	return at
}

// token reads the next token.
func (s *scanner) token() (json.Token, error) {
	at := s.next()
	token, err := s.decoder.Token()
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return token, nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		if len(bytes.TrimSpace(s.input)) == 0 {
			return nil, s.fail(0, "the file is empty")
		}
		return nil, s.fail(int64(len(s.input)), "the file ends in the middle")
	case errors.As(err, &syntax):
		return nil, s.fail(max(syntax.Offset-1, at), "not JSON: %v", err)
	}
	return nil, s.fail(at, "not JSON: %v", err)
}

// object reads { … } and calls field before each value, which must read it.
func (s *scanner) object(what string, field func(name string, at int64) error) error {
	if err := s.open('{', what, "{ … }"); err != nil {
		return err
	}
	given := map[string]bool{}
	for s.decoder.More() {
		at := s.next()
		token, err := s.token()
		if err != nil {
			return err
		}
		name, _ := token.(string) // the decoder takes nothing else for a name
		if folded := strings.ToLower(name); given[folded] {
			return s.fail(at, "the field %q is there twice", name)
		} else if given[folded] = true; name == "" {
			return s.fail(at, "a field without a name")
		}
		if err := field(name, at); err != nil {
			return err
		}
	}
	_, err := s.token()
	return err
}

// array reads [ … ] and calls element before each value, which must read it.
func (s *scanner) array(what string, element func() error) error {
	if err := s.open('[', what, "a list, [ … ]"); err != nil {
		return err
	}
	for s.decoder.More() {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := s.token()
	return err
}

func (s *scanner) open(bracket json.Delim, what, form string) error {
	at := s.next()
	token, err := s.token()
	if err == nil && token != bracket {
		err = s.fail(at, "%s must be %s", what, form)
	}
	return err
}

func (s *scanner) text(what string) (string, error) {
	return scalar[string](s, what, "a text in quotes")
}

func (s *scanner) truth(what string) (bool, error) { return scalar[bool](s, what, "true or false") }

// scalar reads a single value.
func scalar[T string | bool](s *scanner, what, form string) (value T, err error) {
	at := s.next()
	token, err := s.token()
	if err != nil {
		return value, err
	}
	value, ok := token.(T)
	if !ok {
		return value, s.fail(at, "%s must be %s", what, form)
	}
	return value, nil
}

// skip reads over a value.
func (s *scanner) skip() error {
	for depth := 0; ; {
		token, err := s.token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// end makes sure that nothing follows.
func (s *scanner) end() error {
	if at := s.next(); len(bytes.TrimSpace(s.input[s.decoder.InputOffset():])) > 0 {
		return s.fail(at, "something follows behind the end")
	}
	return nil
}
