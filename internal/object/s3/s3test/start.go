package s3test

import (
	"context"
	"io"
	"os"
	"sync"
)

// TB is the part of testing.TB that Start needs.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
}

// offSwitch turns tests on real servers into skipped ones when it says "off".
const offSwitch = "FIRN_TEST_SERVERS"

// shared are the servers of this process.
var shared struct {
	sync.Mutex
	running map[string]*Process // by kind
	users   map[string]int      // tests that use it
	kept    bool                // Main runs: servers stay until it returns
}

// Start returns a running server, one for all tests of the process that run
// at the same time; each test makes buckets of its own. The server ends with
// the last test that uses it, or, in a package whose TestMain calls Main, with
// the process. A server that cannot be built or started fails the test, unless
// FIRN_TEST_SERVERS=off, which skips it.
func Start(t TB, kind string) Server {
	t.Helper()
	if os.Getenv(offSwitch) == "off" {
		t.Skipf("%s=off: not running on a real %s server", offSwitch, kind)
	}
	shared.Lock()
	defer shared.Unlock()
	p := shared.running[kind]
	if p == nil {
		var err error
		if p, err = Run(context.Background(), kind, "", io.Discard); err != nil {
			t.Fatalf("real server for tests: %v\n(%s=off skips these tests)", err, offSwitch)
		}
		if shared.running == nil {
			shared.running, shared.users = map[string]*Process{}, map[string]int{}
		}
		shared.running[kind] = p
	}
	shared.users[kind]++
	t.Cleanup(func() { release(t, kind) })
	return p.Server
}

func release(t TB, kind string) {
	shared.Lock()
	defer shared.Unlock()
	shared.users[kind]--
	if shared.kept || shared.users[kind] > 0 {
		return
	}
	if err := stop(kind); err != nil {
		t.Fatalf("stop %s: %v", kind, err)
	}
}

// stop ends a shared server. The caller holds the lock.
func stop(kind string) error {
	p := shared.running[kind]
	delete(shared.running, kind)
	return p.Stop()
}

// Main runs a package's tests and keeps the servers they start until the last
// one is over: func TestMain(m *testing.M) { os.Exit(s3test.Main(m)) }.
func Main(m interface{ Run() int }) int {
	shared.Lock()
	shared.kept = true
	shared.Unlock()
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	for kind := range shared.running {
		if err := stop(kind); err != nil && code == 0 {
			os.Stderr.WriteString("stop " + kind + ": " + err.Error() + "\n")
			code = 1
		}
	}
	return code
}
