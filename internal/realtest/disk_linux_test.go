package realtest

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// machine is one host with a repository in a folder of a volume.
type machine struct {
	*host
	t *testing.T
}

// newMachine makes a repository in a folder.
func newMachine(t *testing.T, folder string) *machine {
	t.Helper()
	f := newFleet(t, folderAt(folder), 1, drawn())
	return &machine{f.hosts[0], t}
}

// must runs the program, which must end so, and returns how it ended.
func (m *machine) must(code int, args ...string) ending {
	m.t.Helper()
	e := m.run(0, args...)
	if e.code != code {
		m.t.Fatalf("exit code %d instead of %d: %v", e.code, code, e)
	}
	return e
}

// write writes a file that cannot be compressed into the source.
func (m *machine) write(name string, size int) {
	m.t.Helper()
	body := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(len(name)), name[0]}).Read(body) // never fails
	if err := os.WriteFile(filepath.Join(m.source.steady(), name), body, 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// save backs the source up, which must work, and restores that snapshot.
func (m *machine) save() *promise {
	m.t.Helper()
	p := m.begin(m.source.steady())
	p.snapshot = m.must(exitDone, "backup", "--json", "--tag", p.tag, m.source.folder).snapshot()
	m.holds(p)
	return p
}

// holds sees that the repository checks clean and the snapshot restores identically.
func (m *machine) holds(p *promise) {
	m.t.Helper()
	m.must(exitDone, "check", "--read-data")
	if e, same := m.compare(p, 0); !same {
		m.t.Errorf("%s: %v", p.tag, e)
	}
}

// TestFullDisk fills the drive. The backup must say so, keep what it uploaded and harm
// nothing; what is there can be restored; and snapshots can be forgotten and pruned to make room.
func TestFullDisk(t *testing.T) {
	for _, kind := range []string{"tmpfs", "ext4"} {
		t.Run(kind, func(t *testing.T) {
			v := newVolume(t, kind, "128M")
			m := newMachine(t, filepath.Join(v.path, "drive"))
			m.write("first", 40<<20)
			first := m.save()
			if err := os.Remove(filepath.Join(m.source.steady(), "first")); err != nil {
				t.Fatal(err)
			}
			m.write("second", 8<<20)
			second := m.save()

			m.write("third, too large", 200<<20)
			full := m.must(exitFailed, "backup", m.source.folder)
			if !full.says("no space left on the drive") || !full.says("free some space") {
				t.Errorf("it says: %v", full)
			}
			m.holds(second)

			v.fill()
			m.holds(first)
			m.must(exitFailed, "backup", m.source.folder)
			m.loseCache()
			m.holds(second) // by a machine that does not know the drive
			before := v.free()
			m.must(exitDone, "forget", first.snapshot)
			m.must(exitDone, "prune", "--grace", "0")
			if freed := v.free() - before; freed < 40<<20 {
				t.Errorf("%d bytes were freed; the drive holds:\n%v", freed, m.run(0, "prune", "--dry-run", "-v"))
			}
			m.holds(second)
			if err := os.Remove(filepath.Join(m.source.steady(), "third, too large")); err != nil {
				t.Fatal(err)
			}
			m.write("fourth", 3<<20)
			m.save()
		})
	}
}

// TestReadOnlyDisk turns a drive read-only, as systems do with a disk that fails. It can be
// read; whatever writes says why it cannot.
func TestReadOnlyDisk(t *testing.T) {
	v := newVolume(t, "ext4", "64M")
	m := newMachine(t, filepath.Join(v.path, "drive"))
	m.write("first", 1<<20)
	p := m.save()
	v.must("mount", "-o", "remount,ro", v.path)
	for _, cached := range []bool{true, false} {
		if !cached {
			m.loseCache()
		}
		for _, command := range [][]string{{"backup", m.source.folder}, {"forget", p.snapshot}, {"prune"}, {"key", "rotate"}} {
			if e := m.must(exitFailed, command...); !e.says("read-only") {
				t.Errorf("it says: %v", e)
			}
		}
		m.holds(p)
	}
	v.must("mount", "-o", "remount,rw", v.path)
	m.write("second", 1<<20)
	m.save()
}

// TestVanishedDisk unmounts a drive while a backup writes to it. Nothing may be written to
// the empty folder that is left, and when the drive is back all is as before.
func TestVanishedDisk(t *testing.T) {
	v := newVolume(t, "ext4", "256M")
	m := newMachine(t, v.path)
	m.write("first", 1<<20)
	p := m.save()
	m.write("second", 120<<20)
	ended := make(chan ending)
	go func() { ended <- m.run(0, "backup", m.source.folder) }()
	for before := v.free(); before-v.free() < 20<<20; {
		time.Sleep(time.Millisecond)
	}
	v.must("umount", "-l", v.path)
	e := <-ended
	if e.code != exitNoRepository || !e.says("unmounted") {
		t.Errorf("it ends so: %v", e)
	}
	for _, command := range [][]string{{"backup", m.source.folder}, {"snapshots"}, {"check"}, {"prune"}} {
		m.must(exitNoRepository, command...)
	}
	if left, err := os.ReadDir(v.path); err != nil || len(left) > 0 {
		t.Errorf("%v was written to where the drive had been mounted (%v)", left, err)
	}
	v.again()
	m.holds(p)
	m.save()
}

// TestOtherFileSystems uses drives that have no hard links, cannot sync folders, or take
// names that differ in case for the same.
func TestOtherFileSystems(t *testing.T) {
	for _, kind := range []string{"vfat", "exfat", "ext4 ignoring case"} {
		t.Run(kind, func(t *testing.T) {
			v := newVolume(t, kind, "128M")
			m := newMachine(t, v.path)
			for _, name := range []string{"README", "readme", "Readme"} {
				m.write(name, 100+len(name))
			}
			first := m.save()
			m.write("second", 2<<20)
			m.save()
			m.must(exitDone, "forget", first.snapshot)
			if kind != "exfat" { // has no way to create without replacing, so that prune waits for an hour
				m.must(exitDone, "prune", "--grace", "0")
			}
			m.save()
			// As a target it cannot hold all three: that must be told.
			to := filepath.Join(v.path, "restored")
			if e := m.run(0, "restore", "latest:"+m.source.steady(), "--to", to, "--no-owner"); e.code == exitDone {
				t.Errorf("names that differ in case only are restored over each other in silence: %v", e)
			}
		})
	}
}

// TestPowerCut cuts the power of a drive at random moments while programs write to it.
// What was reported done before must be there when it is back.
func TestPowerCut(t *testing.T) {
	count := 3
	if *rounds > 0 {
		count = *rounds
	}
	v := newVolume(t, "ext4", "512M")
	start := drawn()
	t.Logf("again: go test ./internal/realtest -run %s -seed %d -rounds %d", t.Name(), start, count)
	f := newFleet(t, folderAt(filepath.Join(v.path, "drive")), 3, start)
	random := rand.New(rand.NewPCG(start, 3))
	processes, played := 0, 0
	for round := 1; round <= count && !t.Failed(); round++ {
		played = round
		done := make(chan struct{})
		timer := time.AfterFunc(time.Duration(random.Int64N(int64(2*time.Second))), func() {
			v.cut()
			close(done)
		})
		f.cutOff = true
		processes += f.round(random)
		f.cutOff = false
		if timer.Stop() {
			v.cut()
		} else {
			<-done
		}
		v.again()
		f.verify(random, round == count)
	}
	f.tell(played, processes)
}
