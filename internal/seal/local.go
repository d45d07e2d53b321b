package seal

// SealLocal appends to dst what a machine keeps for itself in a cache, sealed:
// who gets the disk without a key of the repository reads nothing. Roles that
// can write have the key. The result is bound to name, by which it is found.
func (k *Keyring) SealLocal(dst []byte, name string, plaintext []byte) []byte {
	salt := freshSalt(plaintext)
	key := subkey(&k.local, []byte(name), salt[:])
	dst = append(dst, salt[:]...)
	return aead(&key).Seal(dst, zeroNonce[:], plaintext, nil)
}

// OpenLocal appends to dst what SealLocal sealed under the same name. The error
// is ErrDamaged, and dst is returned as it was.
func (k *Keyring) OpenLocal(dst []byte, name string, sealed []byte) ([]byte, error) {
	if len(sealed) < keySize+tagSize {
		return dst, broken("open "+name, ErrDamaged)
	}
	key := subkey(&k.local, []byte(name), sealed[:keySize])
	plaintext, err := aead(&key).Open(dst, zeroNonce[:], sealed[keySize:], nil)
	if err != nil {
		return dst, broken("open "+name, ErrDamaged)
	}
	return plaintext, nil
}

// LocalOverhead is what SealLocal adds to a plaintext, bytes.
const LocalOverhead = keySize + tagSize
