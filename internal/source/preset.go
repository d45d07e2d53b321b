package source

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// presets are named lists of what is seldom worth keeping. They are the weakest rules:
// an ignore file or an exclude pattern with "!" keeps something of them after all.
var presets = map[string]string{"system": systemPreset}

// systemPreset is for backing up a whole machine: swap, temporary files,
// caches, and what container engines can fetch or build again. Directories
// stay, so that a restored machine finds them. Volumes of containers stay too.
const systemPreset = `
# swap and hibernation
/swapfile
/swap.img
/swap/*
/var/swap
/var/swap/*
/var/vm/*
/private/var/vm/*

# temporary files
/tmp/*
/var/tmp/*
/private/tmp/*
/private/var/tmp/*
/private/var/folders/*
lost+found/

# caches
/var/cache/*
/home/*/.cache/*
/root/.cache/*
/Users/*/Library/Caches/*
/Library/Caches/*

# layers, images and run-time state of container engines
/var/lib/docker/aufs/*
/var/lib/docker/btrfs/*
/var/lib/docker/buildkit/*
/var/lib/docker/containerd/*
/var/lib/docker/devicemapper/*
/var/lib/docker/fuse-overlayfs/*
/var/lib/docker/image/*
/var/lib/docker/overlay/*
/var/lib/docker/overlay2/*
/var/lib/docker/rootfs/*
/var/lib/docker/tmp/*
/var/lib/docker/vfs/*
/var/lib/docker/zfs/*
/var/lib/containerd/io.containerd.content.v1.content/*
/var/lib/containerd/io.containerd.snapshotter.v1.*/*
/var/lib/containerd/tmpmounts/*
/var/lib/containers/storage/overlay/*
/var/lib/containers/storage/overlay-images/*
/var/lib/containers/storage/overlay-layers/*
/var/lib/containers/storage/vfs/*
/var/lib/containers/storage/vfs-images/*
/var/lib/containers/storage/vfs-layers/*
/home/*/.local/share/containers/storage/overlay/*
/home/*/.local/share/containers/storage/overlay-images/*
/home/*/.local/share/containers/storage/overlay-layers/*
/home/*/.local/share/docker/overlay2/*
/home/*/.local/share/docker/image/*

# views of something else, and what is of use on the running machine only
/var/lib/lxcfs/*
/var/lib/systemd/coredump/*
/var/lib/snapd/cache/*
/var/lib/apt/lists/*
/var/crash/*

# desktops
/home/*/.local/share/Trash/*
/home/*/.thumbnails/*
/root/.local/share/Trash/*
.Trash-[0-9]*/
.Trashes/
.Spotlight-V100/
.fseventsd/
.DocumentRevisions-V100/
.TemporaryItems/
`

// Presets returns the names of the presets, in order.
func Presets() []string { return slices.Sorted(maps.Keys(presets)) }

// presetRules compiles the preset of a name; "" is none.
func presetRules(name string) (*rules, error) {
	r := &rules{fromTop: true}
	if name == "" {
		return r, nil
	}
	text, ok := presets[name]
	if !ok {
		return nil, fmt.Errorf("find preset %q: there are %s", name, strings.Join(Presets(), ", "))
	}
	for _, wrong := range r.addLines([]byte(text), false) {
		return nil, fmt.Errorf("read preset %s: %w", name, wrong)
	}
	return r, nil
}
