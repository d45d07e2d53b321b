package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"firn/internal/alike"
)

// play is what happens on the stage.
func play(s *stage) error {
	tree := filepath.Join(s.folder, "tree")
	s.tell("Copying the Go toolchain's sources, with links, attributes and odd names added, to %s …", tree)
	if err := plant(s.ctx, tree); err != nil {
		return err
	}
	s.tell("From here on, what begins with $ is typed and what begins with # is what the server's side saw.")
	s.show("export FIRN_DRIVE='%s'", s.value("FIRN_DRIVE"))
	for _, command := range []string{"firn version", "firn init --generate-key", "firn backup tree"} {
		if err := s.run(command, 25); err != nil {
			return err
		}
	}

	s.tell("Now some files change:")
	changes, err := change(tree)
	if err != nil {
		return err
	}
	s.say("%s", changes)
	if err := s.run("firn backup tree", 25); err != nil {
		return err
	}
	s.tell("And once more, with nothing changed:")
	for _, command := range []string{"firn backup tree", "firn snapshots"} {
		if err := s.run(command, 25); err != nil {
			return err
		}
	}
	first, err := s.firstSnapshot()
	if err != nil {
		return err
	}
	for _, command := range []string{
		"firn diff " + first + " latest",
		"firn ls -l latest:" + filepath.Join(tree, "src", "net", "http"),
		"firn stats",
		"firn restore latest --to restored",
		"firn restore " + first + " --to before",
		"firn check --read-data",
	} {
		if err := s.run(command, 12); err != nil {
			return err
		}
	}

	s.tell("Comparing what was restored with the originals, byte for byte, with modes, owners, times, links and attributes:")
	if err := s.compare("latest", tree, filepath.Join(s.folder, "restored", tree)); err != nil {
		return err
	}
	again := filepath.Join(s.folder, "again", "tree")
	if err := plant(s.ctx, again); err != nil { // as it was before the changes
		return err
	}
	return s.compare(first, again, filepath.Join(s.folder, "before", tree))
}

// firstSnapshot asks for the ID of the oldest snapshot.
func (s *stage) firstSnapshot() (string, error) {
	text, err := s.output("firn", "snapshots", "--json")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(text) {
		var snapshot struct{ Type, ID string }
		if err := json.Unmarshal([]byte(line), &snapshot); err != nil {
			return "", fmt.Errorf("read output of firn snapshots --json: %w", err)
		}
		if snapshot.Type == "snapshot" && len(snapshot.ID) >= 8 {
			return snapshot.ID[:8], nil
		}
	}
	return "", errors.New("firn snapshots --json lists none")
}

// compare compares an original with what came back.
func (s *stage) compare(snapshot, original, restored string) error {
	tally, differences, err := alike.Folders(s.ctx, original, restored)
	if err != nil {
		return fmt.Errorf("compare snapshot %s with its original: %w", snapshot, err)
	}
	for _, d := range differences {
		s.say("  DIFFERENT %s", d)
	}
	if len(differences) > 0 {
		return fmt.Errorf("snapshot %s did not come back as it was", snapshot)
	}
	s.say("  %-8s  files: %d (%s), hard-linked: %d, folders: %d, symbolic links: %d, other: %d, extended attributes: %d; differences: 0",
		snapshot, tally.Files, amount(tally.Bytes), tally.HardLinks, tally.Folders, tally.Links, tally.Others, tally.Attributes)
	return nil
}
