package target

import (
	"os/user"
	"strconv"
	"sync"
)

// names finds the numbers that names of users or groups have here, and
// remembers them: a restore meets few names many times.
type names struct {
	find  func(name string) (string, error) // nil: numbers only
	mu    sync.Mutex
	known map[string]int // guarded by mu; nobody: does not exist here
}

func userNames() *names {
	return &names{known: map[string]int{}, find: func(name string) (string, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	}}
}

func groupNames() *names {
	return &names{known: map[string]int{}, find: func(name string) (string, error) {
		g, err := user.LookupGroup(name)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	}}
}

// lookup returns the number of a name. A name that cannot be looked up counts
// as absent: the entry's number stands in.
func (n *names) lookup(name string) (int, bool) {
	if name == "" || len(name) > maxName || n.find == nil {
		return 0, false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	id, ok := n.known[name]
	if !ok {
		id = nobody
		if text, err := n.find(name); err == nil {
			if number, err := strconv.ParseUint(text, 10, 32); err == nil {
				id = int(number)
			}
		}
		if len(n.known) < maxNames {
			n.known[name] = id
		}
	}
	return id, id != nobody
}

const (
	maxName  = 1024  // bytes of a name that is looked up
	maxNames = 65536 // remembered of each kind
)
