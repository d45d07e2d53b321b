package source

// A mark is a set of names that stand in a directory and tell what it is.
type mark uint16

const (
	markIgnore mark = 1 << iota
	markCacheTag
	markPostgresVersion
	markPostgresRunning
	markInnoDB
	markWiredTiger
	markMongoLock
	markLMDB
	markLMDBLock
	markNodeLock
	markNodeState
)

// markOf returns what a name tells.
func markOf(name string) mark {
	switch name {
	case ignoreFile:
		return markIgnore
	case cacheTag:
		return markCacheTag
	case "PG_VERSION":
		return markPostgresVersion
	case "postmaster.pid":
		return markPostgresRunning
	case "ibdata1":
		return markInnoDB
	case "WiredTiger":
		return markWiredTiger
	case "mongod.lock":
		return markMongoLock
	case "data.mdb":
		return markLMDB
	case "lock.mdb":
		return markLMDBLock
	case "node.lock":
		return markNodeLock
	case "_state":
		return markNodeState
	}
	return 0
}

// live are the databases whose files are of little use when copied while
// the database runs, because they belong to different moments.
var live = []struct {
	marks mark // all of them must be there
	what  string
	how   string
}{
	{markPostgresVersion | markPostgresRunning, "a running PostgreSQL server", "pg_dump or pg_basebackup"},
	{markInnoDB, "a MySQL or MariaDB server", "mysqldump, mariadb-dump or mariadb-backup"},
	{markWiredTiger | markMongoLock, "a MongoDB server", "mongodump"},
	{markLMDB | markLMDBLock, "an LMDB database (OpenLDAP and others)", "mdb_copy or slapcat"},
	{markNodeLock | markNodeState, "a running Elasticsearch or OpenSearch node", "its snapshot API"},
}

// warnLive warns of a directory that holds the files of a live database.
func (f *Files) warnLive(d *dir, marks mark) {
	for _, l := range live {
		if marks&l.marks == l.marks {
			f.opts.Warn(d.path, "holds the data files of "+l.what+
				", which may be of no use when copied while it runs; back up the output of "+l.how+" as well")
		}
	}
}
