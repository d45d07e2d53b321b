package object

// UseRename makes d place new files by renaming, as on file systems without
// hard links.
func (d *Dir) UseRename() { d.exclusive = renameExclusive }

// MapError is what d makes of the cause of a failure.
func (d *Dir) MapError(cause error) error { return d.mapped("put", "a", cause) }
