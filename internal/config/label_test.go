package config

import "testing"

func TestFreeLabel(t *testing.T) {
	file := &Config{Drives: []Drive{{Label: "USB"}, {Label: "usb 2"}}}
	for path, want := range map[string]string{"/mnt/usb": "usb 3", "/mnt/other": "other", "/": "drive"} {
		d := Drive{Provider: Local, Path: path}
		if got := d.FreeLabel(file.Labels()); got != want {
			t.Errorf("%s: %q, not %q", path, got, want)
		}
	}
	file = nil
	d := Drive{Provider: S3, Bucket: "b"}
	if got := d.FreeLabel(file.Labels()); got != "b" {
		t.Errorf("%q", got)
	}
}
