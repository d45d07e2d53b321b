//go:build !unix

package main

// warnSameDisk cannot tell disks apart here.
func (a *app) warnSameDisk(*drive, []string) {}
