package main

import "strings"

// The steps, in the order in which they are run.
const (
	first     = "first"     // back up to an empty repository
	unchanged = "unchanged" // again, nothing has changed
	changed   = "changed"   // again, after 2 % have changed
	restore   = "restore"   // the latest snapshot, to an empty folder
	check     = "check"     // structure
	checkData = "checkdata" // all data read and verified
	forget    = "forget"    // keep the latest snapshot only, free the space
)

var stepNames = list{first, unchanged, changed, restore, check, checkData, forget}

// tool is a program that is measured.
type tool struct {
	name, program, version string
	recipe                 func(place) recipe
}

// place is where a tool works: a server, a source, folders of its own.
type place struct {
	endpoint, accessKey, secretKey, region, bucket string

	source string // folder to back up
	target string // folder to restore to
	home   string // for configuration and caches; empty when a run begins
}

// host is the endpoint without its scheme.
func (p place) host() string { return strings.TrimPrefix(p.endpoint, "http://") }

// keys are the variables that all tools take the server's keys from.
func (p place) keys() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + p.accessKey, "AWS_SECRET_ACCESS_KEY=" + p.secretKey, "AWS_REGION=" + p.region}
}

// recipe says how a tool does each step.
type recipe struct {
	version     []string
	environment []string
	setUp       [][]string            // makes the repository; not measured
	steps       map[string][][]string // several commands count as one
}

var toolNames = list{"firn", "restic", "kopia"}

var recipes = map[string]func(place) recipe{"firn": firn, "restic": restic, "kopia": kopia}

func firn(p place) recipe {
	backup := [][]string{{"backup", "-q", p.source}}
	return recipe{
		version: []string{"version"},
		environment: append(p.keys(), "HOME="+p.home, "FIRN_CACHE="+p.home+"/cache",
			"FIRN_DRIVE=s3+http://"+p.host()+"/"+p.bucket+"/backups"),
		setUp: [][]string{{"init", "-q", "--generate-key", "--no-recovery-key"}},
		steps: map[string][][]string{
			first: backup, unchanged: backup, changed: backup,
			restore:   {{"restore", "-q", "latest", "--to", p.target}},
			check:     {{"check", "-q"}},
			checkData: {{"check", "-q", "--read-data"}},
			// Deleting is never done in the run that decides it.
			forget: {{"forget", "-q", "--keep-last", "1", "--prune", "--grace", "0"}, {"prune", "-q", "--grace", "0"}},
		},
	}
}

func restic(p place) recipe {
	backup := [][]string{{"backup", "-q", p.source}}
	return recipe{
		version: []string{"version"},
		environment: append(p.keys(), "HOME="+p.home, "RESTIC_CACHE_DIR="+p.home+"/cache",
			"RESTIC_PASSWORD=benchmark", "RESTIC_REPOSITORY=s3:"+p.endpoint+"/"+p.bucket),
		setUp: [][]string{{"init", "-q"}},
		steps: map[string][][]string{
			first: backup, unchanged: backup, changed: backup,
			restore:   {{"restore", "-q", "latest", "--target", p.target}},
			check:     {{"check", "-q"}},
			checkData: {{"check", "-q", "--read-data"}},
			forget:    {{"forget", "-q", "--keep-last", "1", "--prune"}},
		},
	}
}

// kopia compresses nothing and hashes with BLAKE2B unless it is told to do
// otherwise; here it gets what makes it fastest.
func kopia(p place) recipe {
	backup := [][]string{{"snapshot", "create", "--no-progress", "--parallel=8", p.source}}
	return recipe{
		version: []string{"--version"},
		environment: append(p.keys(), "HOME="+p.home, "KOPIA_PASSWORD=benchmark", "KOPIA_CHECK_FOR_UPDATES=false",
			"KOPIA_CONFIG_PATH="+p.home+"/kopia.config", "KOPIA_CACHE_DIRECTORY="+p.home+"/cache", "KOPIA_LOG_DIR="+p.home+"/log"),
		setUp: [][]string{
			{"repository", "create", "s3", "--bucket=" + p.bucket, "--endpoint=" + p.host(), "--region=" + p.region, "--disable-tls",
				"--access-key=" + p.accessKey, "--secret-access-key=" + p.secretKey, "--block-hash=BLAKE3-256"},
			{"policy", "set", "--global", "--compression=zstd-fastest", "--keep-latest=1", "--keep-hourly=0", "--keep-daily=0",
				"--keep-weekly=0", "--keep-monthly=0", "--keep-annual=0"},
		},
		steps: map[string][][]string{
			first: backup, unchanged: backup, changed: backup,
			restore:   {{"snapshot", "restore", "--no-progress", "--parallel=8", p.source, p.target}},
			check:     {{"snapshot", "verify", "--no-progress", "--parallel=8"}},
			checkData: {{"snapshot", "verify", "--no-progress", "--parallel=8", "--verify-files-percent=100"}},
			forget:    {{"snapshot", "expire", "--all", "--delete"}, {"maintenance", "run", "--full", "--safety=none"}},
		},
	}
}

// restored is where below the target a tool puts the source; the full path
// but for kopia.
func (t tool) restored(p place) string {
	if t.name == "kopia" {
		return p.target
	}
	return p.target + p.source
}
