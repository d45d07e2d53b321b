package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// add makes the change that puts a drive behind the others.
func (s *sketch) add(settings []Option) splice {
	column := 2
	at := len(s.text)
	head := ""
	switch {
	case s.list == nil:
		head = "drives:\n"
		if len(s.text) > 0 {
			head = "\n" + head
		}
	case len(s.drives) > 0:
		last := s.drives[len(s.drives)-1]
		if last.end == 0 {
			return splice{err: ErrByHand}
		}
		dash := s.line(last.first)
		column = len(dash) - len(strings.TrimLeft(dash, " "))
		at = s.start(last.end)
	default: // drives: [] or nothing behind it
		return s.begin(settings)
	}
	return splice{offset: at, with: s.newline(at) + head + drivesText(settings, column)}
}

// begin makes the change that puts the first drive where "drives:" stands alone.
func (s *sketch) begin(settings []Option) splice {
	line := s.list.Key.GetToken().Position.Line - 1
	text := s.line(line)
	_, behind, _ := strings.Cut(text, ":")
	comment := ""
	if i := strings.Index(behind, "#"); i >= 0 {
		behind, comment = behind[:i], " "+behind[i:]
	}
	if behind = strings.TrimSpace(behind); behind != "" && behind != "[]" && behind != "null" && behind != "~" {
		return splice{err: ErrByHand}
	}
	with := "drives:" + comment + "\n" + drivesText(settings, 2)
	if line+1 < len(s.lines) {
		return splice{offset: s.lines[line], length: s.lines[line+1] - s.lines[line], with: with}
	}
	return splice{offset: s.lines[line], length: len(text), with: with}
}

// newline ends the line before an offset if nothing does.
func (s *sketch) newline(at int) string {
	if at > 0 && s.text[at-1] != '\n' {
		return "\n"
	}
	return ""
}

// drivesText writes a drive as an item of the list.
func drivesText(settings []Option, column int) string {
	var b strings.Builder
	mark := "- "
	for _, o := range settings {
		fmt.Fprintf(&b, "%s%s%s: %s\n", strings.Repeat(" ", column), mark, o.Key, scalarText(o.Value, false))
		mark = "  "
	}
	return b.String()
}

// insert makes the change that puts a setting behind the others of a drive.
func (s *sketch) insert(i int, o Option) splice {
	d := &s.drives[i]
	if len(d.settings) == 0 {
		return splice{err: ErrByHand}
	}
	if d.flow {
		mapping, ok := d.node.(*ast.MappingNode)
		if !ok || mapping.End == nil {
			return splice{err: ErrByHand}
		}
		at := s.offset(mapping.End.Position.Line, mapping.End.Position.Column)
		if at <= 0 || s.text[at] != '}' {
			return splice{err: ErrByHand}
		}
		for s.text[at-1] == ' ' {
			at--
		}
		return splice{offset: at, with: ", " + o.Key + ": " + scalarText(o.Value, true)}
	}
	at := s.start(d.end)
	return splice{offset: at, with: fmt.Sprintf("%s%s%s: %s\n", s.newline(at), strings.Repeat(" ", d.column), o.Key, scalarText(o.Value, false))}
}

// replace makes the change that gives a setting another value.
func (s *sketch) replace(pair *ast.MappingValueNode, value string, flow bool) splice {
	key := pair.Key.GetToken().Position
	if null, ok := pair.Value.(*ast.NullNode); ok && null.GetToken().Type == token.ImplicitNullType {
		colon := s.offset(pair.Start.Position.Line, pair.Start.Position.Column)
		if colon < 0 || s.text[colon] != ':' {
			return splice{err: ErrByHand}
		}
		return splice{offset: colon + 1, with: " " + scalarText(value, flow)}
	}
	line, column := place(pair.Value)
	at := s.offset(line, column)
	if at < 0 {
		return splice{err: ErrByHand}
	}
	if _, block := pair.Value.(*ast.LiteralNode); block {
		end := s.start(s.blockEnd(key.Line-1, key.Column-1))
		return splice{offset: at, length: end - at, with: scalarText(value, flow) + "\n"}
	}
	length := scalarLength(s.text[at:], pair.Value)
	if length < 0 {
		return splice{err: ErrByHand}
	}
	return splice{offset: at, length: length, with: scalarText(value, flow)}
}

// scalarLength is the length of a single value as it is written, -1 if it is
// something else or on several lines.
func scalarLength(text []byte, node ast.Node) int {
	switch node.(type) {
	case *ast.StringNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.NullNode:
	default:
		return -1
	}
	switch quote := text[0]; quote {
	case '"', '\'':
		for i := 1; i < len(text); i++ {
			switch {
			case quote == '"' && text[i] == '\\':
				i++
			case text[i] == quote && quote == '\'' && i+1 < len(text) && text[i+1] == quote:
				i++
			case text[i] == quote:
				return i + 1
			}
		}
		return -1
	}
	value := node.GetToken().Value
	if !strings.HasPrefix(string(text), value) {
		return -1
	}
	return len(value)
}

// cut makes the change that takes a setting out.
func (s *sketch) cut(i int, at settingSketch) splice {
	d := &s.drives[i]
	line := at.pair.Key.GetToken().Position.Line - 1
	if d.flow || line == d.first {
		return splice{err: ErrByHand}
	}
	from, to := s.start(line), s.start(s.blockEnd(line, d.column))
	return splice{offset: from, length: to - from}
}

// remove makes the change that takes a drive out.
func (s *sketch) remove(i int) splice {
	d := &s.drives[i]
	if d.end == 0 {
		return splice{err: ErrByHand}
	}
	from, to := s.start(d.first), s.start(d.end)
	if len(s.drives) > 1 {
		return splice{offset: from, length: to - from}
	}
	colon := s.offset(s.list.Start.Position.Line, s.list.Start.Position.Column)
	if colon < 0 || s.text[colon] != ':' || colon+1 > from {
		return splice{err: ErrByHand}
	}
	return splice{offset: colon + 1, length: to - colon - 1, with: " []" + string(s.text[colon+1:from])}
}

// offset returns where line and column, both from 1 and columns in characters,
// are in the text; -1 if nowhere.
func (s *sketch) offset(line, column int) int {
	if line < 1 || line > len(s.lines) || column < 1 {
		return -1
	}
	at := s.lines[line-1]
	for ; column > 1 && at < len(s.text); column-- {
		_, size := utf8.DecodeRune(s.text[at:])
		at += size
	}
	if at >= len(s.text) {
		return -1
	}
	return at
}

var (
	plainScalar = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9/._:=+@-]*( [A-Za-z0-9/._=+@-]+)*$|^\$\{[A-Za-z0-9_]+\}$|^[0-9]{1,9}$|^[1-9][0-9]*(B|[KMGT]i?B|s|m|h|d|w|y)$`)
	flowUnsafe  = regexp.MustCompile(`[][{},]`)
)

// scalarText writes a text as a single value, in quotes if need be.
func scalarText(text string, flow bool) string {
	switch strings.ToLower(text) {
	case "true", "false":
		return text // they are for settings that are true or false
	case "null", "yes", "no", "on", "off", "y", "n":
		return strconv.Quote(text)
	}
	if plainScalar.MatchString(text) && !strings.HasSuffix(text, ":") && !strings.Contains(text, ": ") && !(flow && flowUnsafe.MatchString(text)) {
		return text
	}
	return strconv.Quote(text)
}
