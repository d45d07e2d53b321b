package storageconfig

import (
	"fmt"
	"slices"
	"strings"
)

// MaxSize bounds a .storageconfig, in bytes.
const MaxSize = 256 << 10

// fieldList and the others are the names of fields. As in Kopia, capitals do
// not matter.
const (
	fieldList      = "blobOptions"
	fieldPrefix    = "prefix"
	fieldClass     = "storageClass"
	fieldEncrypt   = "serverSideEncryption"
	fieldKMSKey    = "ssekmsKeyId"
	fieldBucketKey = "bucketKeyEnabled"
	fieldCustomer  = "sseCustomerAlgorithm"
	fieldTags      = "tagging"
	fieldACL       = "acl"
)

var (
	fileFields  = []string{fieldList}
	entryFields = []string{fieldPrefix, fieldClass, fieldEncrypt, fieldKMSKey, fieldBucketKey, fieldCustomer, fieldTags, fieldACL}
)

// Parse reads a .storageconfig. An error is an *Error that names line and
// column. A field that is not known is passed over with a remark, as Kopia
// passes over it, unless its name looks like a slip for a known one. A field
// given twice is a mistake: which of them was meant would be a guess.
func Parse(text []byte) (*Config, error) {
	s, err := newScanner(text)
	if err != nil {
		return nil, err
	}
	c := &Config{}
	err = s.object("the file", func(name string, at int64) error {
		known, err := s.known(c, name, at, fileFields)
		if err != nil || known == "" {
			return err
		}
		return s.array(fieldList, func() error {
			e, err := s.entry(c)
			if err == nil {
				c.Entries = append(c.Entries, e)
			}
			return err
		})
	})
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// entry reads one element of blobOptions.
func (s *scanner) entry(c *Config) (Entry, error) {
	at := s.next()
	e := Entry{}
	e.line, e.column = s.place(at)
	given := map[string]int64{}
	err := s.object("an entry of "+fieldList, func(name string, at int64) error {
		known, err := s.known(c, name, at, entryFields)
		if err != nil || known == "" {
			return err
		}
		value := s.next()
		given[known] = value
		if known == fieldBucketKey {
			e.BucketKey, err = s.truth(known)
			return err
		}
		text, err := s.text(known)
		if err != nil {
			return err
		}
		return s.because(value, e.set(known, text))
	})
	if err != nil {
		return e, err
	}
	if _, ok := given[fieldClass]; !ok && e.Params == (Params{}) {
		return e, s.fail(at, "the entry has no %s", fieldClass)
	}
	for _, field := range []string{fieldKMSKey, fieldBucketKey} {
		if at, ok := given[field]; ok && e.Encryption != EncryptKMS && e.Encryption != EncryptDSSE {
			return e, s.fail(at, "%s belongs to %s %q", field, fieldEncrypt, EncryptKMS)
		}
	}
	return e, nil
}

// set gives a field of an entry its value.
func (e *Entry) set(field, text string) error {
	switch field {
	case fieldPrefix:
		e.Prefix = text
		return checkPrefix(text)
	case fieldClass:
		e.Class = text
		return checkClass(text)
	case fieldKMSKey:
		e.KMSKey = text
		return checkLine(text)
	case fieldTags:
		e.Tags = text
		return checkTags(text)
	case fieldACL:
		e.ACL = text
		return checkACL(text)
	}
	if e.Encryption != "" {
		return fmt.Errorf("%s and %s exclude each other", fieldEncrypt, fieldCustomer)
	}
	e.Encryption = text
	if field == fieldCustomer {
		if text != EncryptS3 {
			return fmt.Errorf("%q is not %s", text, EncryptS3)
		}
		e.Encryption = EncryptCustomer
		return nil
	}
	if text == EncryptCustomer {
		return fmt.Errorf("for keys of your own write %q: %q", fieldCustomer, EncryptS3)
	}
	return checkEncryption(text)
}

// known returns a field's name in its one spelling, "" for one that is not
// known and was passed over.
func (s *scanner) known(c *Config, name string, at int64, fields []string) (string, error) {
	for _, field := range fields {
		if strings.EqualFold(field, name) {
			return field, nil
		}
	}
	i := slices.IndexFunc(fields, func(field string) bool { return alike(strings.ToLower(field), strings.ToLower(name)) })
	if i >= 0 {
		return "", s.fail(at, "there is no field %q; did you mean %q?", name, fields[i])
	}
	line, column := s.place(at)
	c.Remarks = append(c.Remarks, Remark{line, column, fmt.Sprintf("the field %q is not known and has no effect", name)})
	return "", s.skip()
}

// alike says whether two words differ by a slip of the pen: up to two letters
// that are wrong, missing or too many, and fewer than half.
func alike(a, b string) bool {
	before := make([]int, len(b)+1)
	for j := range before {
		before[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			change := before[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, before[j+1]+1, row[j]+1)
		}
		before = row
	}
	distance := before[len(b)]
	return distance <= 2 && 2*distance < min(len(a), len(b))
}
