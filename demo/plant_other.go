//go:build !linux

package main

func plantForSystem(string) error { return nil }
