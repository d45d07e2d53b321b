// Package frozen holds a small repository of each released format, byte for
// byte as it was written then. Its test makes sure that this version still
// reads all of them. Nothing imports it.
package frozen
