// Package config turns what users write into structs: the configuration file,
// drive URLs in the spellings of several programs, environment references and
// the places secrets come from. It opens no connection.
//
// Invariants: nothing is guessed silently, so that a text with two readings is
// an error that shows both; every key that is accepted has an effect; no error,
// warning, URL or printed struct holds a secret.
//
// The command line and package job call it.
package config
