//go:build unix

package object_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"firn/internal/object"
)

func TestDirPipeIsNoObject(t *testing.T) {
	d := openDir(t)
	if err := syscall.Mkfifo(filepath.Join(d.Location(), "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Get(t.Context(), "pipe", 100); !errors.Is(err, object.ErrUnsupported) {
		t.Errorf("get of a pipe: %v", err)
	}
}

// otherProcess runs this test binary again, to do what role says.
func otherProcess(t *testing.T, role string, d *object.Dir) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestInOtherProcess$")
	c.Env = append(os.Environ(), "FIRN_TEST_ROLE="+role, "FIRN_TEST_FOLDER="+d.Location())
	return c
}

// TestInOtherProcess is what otherProcess runs.
func TestInOtherProcess(t *testing.T) {
	role := os.Getenv("FIRN_TEST_ROLE")
	if role == "" {
		t.Skip("only for other processes")
	}
	d, err := object.OpenDir(os.Getenv("FIRN_TEST_FOLDER"), false)
	if err != nil {
		t.Fatal(err)
	}
	switch role {
	case "race":
		for i := range raceRounds {
			_, err := d.Put(t.Context(), fmt.Sprintf("m/%d", i), fmt.Append(nil, os.Getpid()), object.PutOptions{IfAbsent: true})
			if err == nil {
				fmt.Printf("won %d\n", i)
			} else if !errors.Is(err, object.ErrExists) {
				t.Fatal(err)
			}
		}
	case "write until killed":
		fmt.Println("begun")
		for i := 0; ; i++ {
			mustPut(t, d, fmt.Sprintf("p/%02d/%d", i%3, i%10), strings.Repeat(wholeBody, i%4*1000))
		}
	}
}

const (
	raceRounds = 50
	wholeBody  = "a body is a number of these lines; one that was cut would end in the midst of one\n"
)

func TestDirRaceOfProcesses(t *testing.T) {
	d := openDir(t)
	var outputs [3][]byte
	var running sync.WaitGroup
	for i := range outputs {
		running.Go(func() {
			var err error
			if outputs[i], err = otherProcess(t, "race", d).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, outputs[i])
			}
		})
	}
	running.Wait()
	wins := make(map[string]int)
	for _, output := range outputs {
		for line := range strings.Lines(string(output)) {
			if strings.HasPrefix(line, "won ") {
				wins[line]++
			}
		}
	}
	for line, n := range wins {
		if n != 1 {
			t.Errorf("%d processes %s", n, line)
		}
	}
	if len(wins) != raceRounds {
		t.Errorf("%d of %d creations have a winner", len(wins), raceRounds)
	}
}

// TestDirSurvivesKilledWriter kills a writing process at any moment and
// expects whole objects only.
func TestDirSurvivesKilledWriter(t *testing.T) {
	d := openDir(t)
	for range 3 {
		c := otherProcess(t, "write until killed", d)
		output, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := output.Read(make([]byte, 5)); err != nil {
			t.Error(err)
		}
		// Until it has written a few objects; where it is killed is chance.
		for n := 0; n < 5; {
			n = 0
			for _, err := range d.List(t.Context(), "p/") {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
		}
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait() // it says that it was killed
		for info, err := range d.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			body, _, err := d.Get(t.Context(), info.Name, 1<<20)
			whole := len(body)%len(wholeBody) == 0 && string(body) == strings.Repeat(wholeBody, len(body)/len(wholeBody))
			if err != nil || !whole {
				t.Errorf("%s has %d bytes, %v", info.Name, len(body), err)
			}
		}
	}
}
