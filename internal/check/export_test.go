package check

// SetWindow makes packs be read through windows of so many bytes.
func (o *Options) SetWindow(bytes uint64) { o.window = bytes }
