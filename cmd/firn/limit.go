package main

import (
	"firn/internal/config"
	"firn/internal/object"
)

// rateFlag is a flag for a number of bytes per second.
type rateFlag struct{ *config.Rate }

// Set implements pflag.Value.
func (f rateFlag) Set(text string) error { return f.UnmarshalText([]byte(text)) }

// String implements pflag.Value.
func (f rateFlag) String() string {
	if f.Rate == nil || *f.Rate == 0 {
		return ""
	}
	return f.Rate.String()
}

// Type implements pflag.Value.
func (rateFlag) Type() string { return "rate" }

// debug says what only --debug shows.
func (a *app) debug(format string, args ...any) {
	if a.flags.debug {
		a.out.detail(format, args...)
	}
}

// limits are what holds for a drive: its own setting, and the flags for all together.
func (a *app) limits(set *config.Drive) (up, down object.Bandwidths) {
	up = object.Bandwidths{object.NewBandwidth(int64(set.UploadLimit)), a.up}
	down = object.Bandwidths{object.NewBandwidth(int64(set.DownloadLimit)), a.down}
	return up, down
}
