package config

import (
	"reflect"
	"slices"
	"strings"
)

// diffContext is how many unchanged lines are shown around changed ones.
const diffContext = 2

// Diff shows what saving would change, line by line: "-" stands before those
// that go, "+" before those that come, a blank before some that stay, and ***
// for secrets. It is empty if nothing would change.
func (e *Edit) Diff() ([]string, error) {
	old, err := linesOf(&Edit{path: e.path, text: e.was})
	if err != nil {
		return nil, err
	}
	now, err := linesOf(e)
	if err != nil {
		return nil, err
	}
	steps := differences(old, now)
	var shown []string
	last := -1
	for i := range steps {
		from, to := max(0, i-diffContext), min(len(steps), i+diffContext+1)
		if !slices.ContainsFunc(steps[from:to], func(s diffStep) bool { return s.mark != ' ' }) {
			continue
		}
		if last >= 0 && i > last+1 {
			shown = append(shown, " …")
		}
		shown, last = append(shown, string(steps[i].mark)+steps[i].line.shown), i
	}
	return shown, nil
}

// diffLine is a line of a file, and how it is shown.
type diffLine struct{ text, shown string }

// diffStep is a line that stays (' '), goes ('-') or comes ('+').
type diffStep struct {
	mark byte
	line diffLine
}

// differences returns the steps from one list of lines to another. What is the
// same at both ends is not looked at twice: files are long, and changes short.
func differences(old, now []diffLine) []diffStep {
	var head, tail []diffStep
	for len(old) > 0 && len(now) > 0 && old[0].text == now[0].text {
		head = append(head, diffStep{' ', now[0]})
		old, now = old[1:], now[1:]
	}
	for len(old) > 0 && len(now) > 0 && old[len(old)-1].text == now[len(now)-1].text {
		tail = append(tail, diffStep{' ', now[len(now)-1]})
		old, now = old[:len(old)-1], now[:len(now)-1]
	}
	slices.Reverse(tail)
	return slices.Concat(head, difference(old, now), tail)
}

// difference returns the fewest steps from one list of lines to another.
func difference(old, now []diffLine) []diffStep {
	// common[i][j] is how many lines of old[i:] stand in this order in now[j:].
	common := make([][]int, len(old)+1)
	for i := range common {
		common[i] = make([]int, len(now)+1)
	}
	for i := len(old) - 1; i >= 0; i-- {
		for j := len(now) - 1; j >= 0; j-- {
			if old[i].text == now[j].text {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var steps []diffStep
	i, j := 0, 0
	for i < len(old) || j < len(now) {
		switch {
		case i < len(old) && j < len(now) && old[i].text == now[j].text:
			steps = append(steps, diffStep{' ', now[j]})
			i, j = i+1, j+1
		case j == len(now) || i < len(old) && common[i+1][j] >= common[i][j+1]:
			steps = append(steps, diffStep{'-', old[i]})
			i++
		default:
			steps = append(steps, diffStep{'+', now[j]})
			j++
		}
	}
	return steps
}

// linesOf returns a file's lines. Those of a drive that hold a secret are shown
// without it, whatever else stands there.
func linesOf(e *Edit) ([]diffLine, error) {
	s, err := e.sketch()
	if err != nil || len(e.text) == 0 {
		return nil, err
	}
	lines := make([]diffLine, 0, len(s.lines))
	for i := range s.lines {
		if text := s.line(i); i+1 < len(s.lines) || text != "" {
			lines = append(lines, diffLine{text, text})
		}
	}
	for _, d := range s.drives {
		for _, at := range d.settings {
			if at.secret() {
				s.hide(lines, &d, at)
			}
		}
	}
	return lines, nil
}

// secret reports whether a setting holds a secret and not only the names of
// variables that do.
func (s settingSketch) secret() bool {
	key := s.name
	if a, ok := aliases[key]; ok {
		key = a.of
	}
	f, ok := fieldOf(driveType, key)
	return ok && f.kind == reflect.TypeFor[Secret]() && !onlyVariables(plainText(s.pair.Value))
}

// onlyVariables reports whether a text is made of ${NAME} and nothing else.
func onlyVariables(text string) bool {
	for text != "" {
		end := -1
		if strings.HasPrefix(text, "${") {
			end = closing(text[1:]) + 1
		}
		if end <= 0 || strings.Contains(text[:end], ":-") {
			return false
		}
		text = text[end+1:]
	}
	return true
}

// hide puts *** in place of what stands behind the key of a setting. In { }
// that is the rest of the drive: where a value ends there is not looked for.
func (s *sketch) hide(lines []diffLine, d *driveSketch, at settingSketch) {
	key := at.pair.Key.GetToken().Position
	first := key.Line - 1
	end := d.end
	switch {
	case !d.flow:
		end = s.blockEnd(first, d.column)
	case end == 0: // the list is in [ ] as well
		end = len(lines)
	}
	const hidden = "***"
	if line := lines[first].shown; !strings.HasSuffix(line, hidden) {
		behind := min(max(0, s.offset(key.Line, key.Column)-s.lines[first]), len(line))
		name, _, _ := strings.Cut(line[behind:], ":")
		lines[first].shown = line[:behind] + name + ": " + hidden
	}
	for i := first + 1; i < min(end, len(lines)); i++ {
		lines[i].shown = hidden
	}
}
