package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"golang.org/x/term"

	"firn/internal/seal"
)

// interactive reports whether there is a person to ask.
func (a *app) interactive() bool { return terminal(os.Stdin) && !a.flags.json }

// A dialogue asks on the terminal. Questions go to standard error.
type dialogue struct {
	in  *bufio.Reader
	out io.Writer
}

func newDialogue() *dialogue { return &dialogue{bufio.NewReader(os.Stdin), os.Stderr} }

// dialogue is the one dialogue of a run: what was typed ahead is in its buffer.
func (a *app) dialogue() *dialogue {
	if a.talk == nil {
		a.talk = newDialogue()
	}
	return a.talk
}

// tell shows lines of explanation.
func (q *dialogue) tell(format string, args ...any) { fmt.Fprintf(q.out, format+"\n", args...) }

// ask asks for a line; an empty answer means otherwise.
func (q *dialogue) ask(question, otherwise string) (string, error) {
	if otherwise != "" {
		question += " [" + otherwise + "]"
	}
	fmt.Fprint(q.out, question+": ")
	defer waiting()()
	line, err := q.in.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("read from the terminal: %w", err)
	}
	if line = strings.TrimSpace(line); line == "" {
		line = otherwise
	}
	return line, nil
}

// need asks until there is an answer that check, if given, agrees with.
func (q *dialogue) need(question, otherwise string, check func(string) error) (string, error) {
	for {
		answer, err := q.ask(question, otherwise)
		if err != nil {
			return "", err
		}
		if answer == "" {
			continue
		}
		if check == nil {
			return answer, nil
		}
		problem := check(answer)
		if problem == nil {
			return answer, nil
		}
		q.tell("  %v", problem)
	}
}

// yes asks a question that is answered with yes by default.
func (q *dialogue) yes(question string) (bool, error) {
	answer, err := q.ask(question+" (yes/no)", "yes")
	return strings.HasPrefix(strings.ToLower(answer), "y"), err
}

// askHidden asks on the terminal without showing what is typed.
func askHidden(question string) ([]byte, error) {
	fmt.Fprint(os.Stderr, question)
	defer waiting()()
	text, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return nil, fmt.Errorf("read from the terminal: %w", err)
	}
	return text, nil
}

func askNewPassphrase() (seal.Secret, error) {
	first, err := askHidden("new passphrase: ")
	if err != nil {
		return seal.Secret{}, err
	}
	second, err := askHidden("the same again: ")
	if err != nil {
		return seal.Secret{}, err
	}
	if !bytes.Equal(first, second) {
		return seal.Secret{}, usagef("the two passphrases differ")
	}
	if len(first) == 0 {
		return seal.Secret{}, usagef("the passphrase is empty")
	}
	return seal.Secret{Passphrase: first}, nil
}

// asking is the terminal's state from before a question that waits for its
// answer, nil when none does: then an interrupt ends the program at once.
var asking atomic.Pointer[term.State]

// waiting marks a question as waiting; the function returned unmarks it.
func waiting() func() {
	state, err := term.GetState(int(os.Stdin.Fd()))
	if err != nil {
		return func() {}
	}
	asking.Store(state)
	return func() { asking.Store(nil) }
}

// leaveQuestion ends the program if it waits for an answer.
func leaveQuestion() {
	if state := asking.Load(); state != nil {
		_ = term.Restore(int(os.Stdin.Fd()), state) // the program ends either way
		fmt.Fprintln(os.Stderr)
		os.Exit(exitInterrupted)
	}
}
