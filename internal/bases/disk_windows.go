package bases

import "golang.org/x/sys/windows"

// spaceOf asks what the file system of a folder has.
func spaceOf(dir string) (space, bool) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return space{}, false
	}
	var free, total, all uint64
	if windows.GetDiskFreeSpaceEx(path, &free, &total, &all) != nil {
		return space{}, false
	}
	return space{free: int64(free), total: int64(total)}, true
}
