package repo

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
)

// Awaited returns the sessions that a pruner of this machine found open after it
// had seen a record, and that the record has to wait for.
func (c *Cache) Awaited(record string) (sessions []string, known bool) {
	sessions, known = c.awaited()[record]
	return sessions, known
}

// KeepAwaited remembers sessions for Awaited.
func (c *Cache) KeepAwaited(record string, sessions []string) {
	all := c.awaited()
	all[record] = sessions
	c.writeAwaited(all)
}

// trimAwaited forgets records that are not listed any more.
func (c *Cache) trimAwaited(listed map[string]bool) {
	all := c.awaited()
	before := len(all)
	maps.DeleteFunc(all, func(record string, _ []string) bool { return !listed[record] })
	if len(all) < before {
		c.writeAwaited(all)
	}
}

func (c *Cache) awaitedPath() string { return filepath.Join(c.dir, "awaited.json") }

func (c *Cache) awaited() map[string][]string {
	all := map[string][]string{}
	b, err := os.ReadFile(c.awaitedPath())
	if err != nil || json.Unmarshal(b, &all) != nil {
		return map[string][]string{}
	}
	return all
}

// writeAwaited keeps the list. A cache that cannot be written only costs patience.
func (c *Cache) writeAwaited(all map[string][]string) {
	if b, err := json.Marshal(all); err == nil {
		_ = writeFile(c.awaitedPath(), b)
	}
}
