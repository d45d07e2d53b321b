package storageconfig

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
)

// server is a drive that stores by rules as far as it can.
type server struct {
	*object.Mem
	rules   *Rules
	classes []string // it has; others are refused
	denies  error    // in answer to reading; nil: it is allowed
	drops   bool     // classes and encryption are taken and dropped

	mu     sync.Mutex
	put    map[string]Params // guarded by mu; by name
	asked  []string          // guarded by mu; "GET name", "HEAD name"
	warned []string          // guarded by mu
}

func newServer(t *testing.T, s Settings) *server {
	t.Helper()
	rules, err := NewRules(s)
	if err != nil {
		t.Fatal(err)
	}
	return &server{Mem: object.NewMem(), rules: rules, put: map[string]Params{}, classes: []string{"", "STANDARD", "STANDARD_IA", "GLACIER"}}
}

func (s *server) Get(ctx context.Context, name string, limit int64) ([]byte, object.Info, error) {
	if s.denies != nil {
		return nil, object.Info{}, &object.Error{Op: "get", Name: name, Err: s.denies}
	}
	s.mu.Lock()
	s.asked = append(s.asked, "GET "+name)
	s.mu.Unlock()
	return s.Mem.Get(ctx, name, limit)
}

func (s *server) Put(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
	p := s.rules.Params(name)
	if !slices.Contains(s.classes, p.Class) {
		return object.Info{}, &object.Error{Op: "put", Name: name, Err: fmt.Errorf("%w: InvalidStorageClass", object.ErrUnsupported)}
	}
	s.mu.Lock()
	s.put[name] = p
	s.mu.Unlock()
	return s.Mem.Put(ctx, name, body, opts)
}

func (s *server) headers(_ context.Context, name string) (http.Header, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, "HEAD "+name)
	h, p := http.Header{}, s.put[name]
	if !s.drops {
		h.Set("X-Amz-Storage-Class", p.Class)
		h.Set("X-Amz-Server-Side-Encryption", p.Encryption)
	}
	return h, nil
}

func (s *server) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.warned = append(s.warned, fmt.Sprintf(format, args...))
}

func (s *server) open(cache string) *Store {
	return s.rules.Around(s, Watch{Headers: s.headers, Say: s.say, Cache: cache})
}

// log returns and forgets what was asked and said.
func (s *server) log() (asked, warned []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked, warned = s.asked, s.warned
	s.asked, s.warned = nil, nil
	return asked, warned
}

func mustPut(t *testing.T, s object.Store, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := s.Put(t.Context(), name, []byte("x"), object.PutOptions{}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

func (s *server) file(t *testing.T, text string) {
	t.Helper()
	if _, err := s.Mem.Put(t.Context(), format.StorageConfigName, []byte(text), object.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

// another run begins: nothing but the local cache is remembered.
func (s *server) forget(t *testing.T) {
	t.Helper()
	rules, err := NewRules(s.rules.settings)
	if err != nil {
		t.Fatal(err)
	}
	s.rules = rules
}

const anotherPack = "p/00/00000000000000000000000000000000000000000000000000000000000000aa"

// TestReadsLate: the file is read at the first object of the first run, and in
// later runs when the first pack is put; a run without packs asks for nothing.
func TestReadsLate(t *testing.T) {
	s := newServer(t, Settings{})
	s.file(t, `{"blobOptions":[{"storageClass":"STANDARD_IA"}]}`)
	cache := t.TempDir()
	mustPut(t, s.open(cache), "s/1", pack, anotherPack, "m/1")
	if asked, warned := s.log(); !slices.Equal(asked, []string{"GET .storageconfig", "HEAD s/1"}) || len(warned) > 0 {
		t.Errorf("the first run asked %q and was told %q", asked, warned)
	}
	for _, name := range []string{"s/1", pack, "m/1"} {
		if s.put[name].Class != "STANDARD_IA" {
			t.Errorf("%s is in class %q", name, s.put[name].Class)
		}
	}

	s.forget(t)
	mustPut(t, s.open(cache), "s/2", "m/2")
	if asked, _ := s.log(); len(asked) > 0 || s.put["s/2"].Class != "STANDARD_IA" {
		t.Errorf("an unchanged run asked %q, class %q", asked, s.put["s/2"].Class)
	}

	s.forget(t)
	s.file(t, `{"blobOptions":[{"prefix":"p","storageClass":"GLACIER"}]}`)
	mustPut(t, s.open(cache), "s/3", "p"+anotherPack[1:len(anotherPack)-1]+"b", "m/3")
	asked, _ := s.log()
	if len(asked) != 2 || asked[0] != "GET .storageconfig" || s.put["m/3"].Class != "" {
		t.Errorf("a run with a pack asked %q, class %q", asked, s.put["m/3"].Class)
	}
}

// TestSettingsFirst: what the drive's settings say stands before the file, which
// is taken in what they leave open.
func TestSettingsFirst(t *testing.T) {
	s := newServer(t, Settings{
		Entries: []Entry{{Prefix: "q", Params: Params{Class: "STANDARD"}}},
		Whole:   Params{Class: "GLACIER", Tags: "team=ops"},
	})
	s.file(t, `{"blobOptions":[{"prefix":"p","storageClass":"STANDARD","serverSideEncryption":"AES256"},{"storageClass":"STANDARD_IA","acl":"private"}]}`)
	store := s.open("")
	mustPut(t, store, pack, "q"+pack[1:], "k/1", "probe/1")
	for name, want := range map[string]Params{
		pack:           {Class: "GLACIER", Encryption: EncryptS3, Tags: "team=ops"},
		"q" + pack[1:]: {Class: "STANDARD", ACL: "private", Tags: "team=ops"},
		"k/1":          {Class: "STANDARD_IA", ACL: "private", Tags: "team=ops"},
		"probe/1":      {Tags: "team=ops"},
	} {
		if s.put[name] != want {
			t.Errorf("%s: %v, wanted %v", name, s.put[name], want)
		}
	}
	uses := s.rules.Uses()
	if uses[0].Params != s.put[pack] || uses[1].Params != s.put["q"+pack[1:]] || uses[7].Params != s.put["k/1"] {
		t.Errorf("uses: %v", uses)
	}
}

// TestWholeArchive: an archive class for all data is for data packs only.
func TestWholeArchive(t *testing.T) {
	s := newServer(t, Settings{Whole: Params{Class: "GLACIER"}})
	mustPut(t, s.open(""), pack, "q"+pack[1:], "m/1", "firn.repository")
	for name, p := range s.put {
		if want := map[bool]string{true: "GLACIER"}[name == pack]; p.Class != want {
			t.Errorf("%s: class %q", name, p.Class)
		}
	}
	if !s.rules.DataOnly() || newServer(t, Settings{Whole: Params{Class: "STANDARD_IA"}}).rules.DataOnly() {
		t.Error("DataOnly")
	}
}

// TestRefusesSettings: an archive class by the drive's settings for more than
// data packs is refused, and so are values that are none.
func TestRefusesSettings(t *testing.T) {
	for _, class := range []string{"DEEP_ARCHIVE", "deep_archive"} {
		_, err := NewRules(Settings{Entries: []Entry{{Params: Params{Class: class}}}})
		if err == nil || errors.Is(err, ErrArchive) != (class == "DEEP_ARCHIVE") {
			t.Errorf("%s for all: %v", class, err)
		}
	}
	for want, p := range map[string]Params{
		"storage_class: ": {Class: "glacier"}, "sse: ": {Encryption: "x"}, "acl: ": {ACL: "public-read-write"}, "object_tags: ": {Tags: "&"},
		"sse_kms_key_id": {KMSKey: "k"},
	} {
		if _, err := NewRules(Settings{Whole: p}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", p, err)
		}
	}
}

// TestStopsBeforeData: a file that must not be followed lets nothing be put, in
// the first run and in later ones no pack.
func TestStopsBeforeData(t *testing.T) {
	for text, want := range map[string]error{
		`{"blobOptions":`: ErrMalformed, ``: ErrMalformed, strings.Repeat(" ", MaxSize+1): ErrMalformed,
		`{"blobOptions":[{"storageClass":"GLACIER"}]}`: ErrArchive,
	} {
		s := newServer(t, Settings{})
		cache := t.TempDir()
		mustPut(t, s.open(cache), "s/0")
		s.file(t, text)
		s.forget(t)
		store := s.open(cache)
		mustPut(t, store, "s/1") // by the cached knowledge that there is no file
		for _, name := range []string{pack, "q" + pack[1:]} {
			_, err := store.Put(t.Context(), name, nil, object.PutOptions{})
			var advised *object.Error
			if !errors.Is(err, want) || !errors.As(err, &advised) || !strings.Contains(advised.Advice, "storage-config set") {
				t.Errorf("%.40q: %s: %v", text, name, err)
			}
		}
		if _, err := s.open("").Put(t.Context(), "s/2", nil, object.PutOptions{}); !errors.Is(err, want) {
			t.Errorf("%.40q: without a cache: %v", text, err)
		}
	}
}

// TestUnreadable: keys that may not read the file can write; a drive that cannot
// be asked is not written to.
func TestUnreadable(t *testing.T) {
	s := newServer(t, Settings{Whole: Params{Class: "GLACIER"}})
	s.denies = object.ErrAccess
	mustPut(t, s.open(""), pack, anotherPack)
	if _, warned := s.log(); len(warned) != 1 || !strings.Contains(warned[0], "may not read .storageconfig") || s.put[pack].Class != "GLACIER" {
		t.Errorf("%q %v", warned, s.put[pack])
	}
	s.denies = object.ErrUnreachable
	if _, err := s.open("").Put(t.Context(), pack, nil, object.PutOptions{}); !errors.Is(err, object.ErrUnreachable) {
		t.Errorf("%v", err)
	}
}

func TestRefusedClass(t *testing.T) {
	file := `{"blobOptions":[{"prefix":"p","storageClass":"COLD","serverSideEncryption":"AES256"}]}`
	s := newServer(t, Settings{})
	s.file(t, file)
	_, err := s.open("").Put(t.Context(), pack, nil, object.PutOptions{})
	var advised *object.Error
	if !errors.Is(err, object.ErrUnsupported) || !strings.Contains(err.Error(), "class COLD") || !errors.As(err, &advised) || !strings.Contains(advised.Advice, "--class-optional") {
		t.Errorf("%v", err)
	}

	s = newServer(t, Settings{Optional: true})
	s.file(t, file)
	mustPut(t, s.open(""), pack, anotherPack)
	if want := (Params{Encryption: EncryptS3}); s.put[pack] != want || s.put[anotherPack] != want {
		t.Errorf("stored with %v", s.put[pack])
	}
	if _, warned := s.log(); len(warned) != 1 || !strings.Contains(warned[0], "does not store with class COLD, encryption AES256; going on with encryption AES256") {
		t.Errorf("%q", warned)
	}
}

// TestRefusedCondition: a condition that the server cannot keep is not blamed on
// the class.
func TestRefusedCondition(t *testing.T) {
	s := newServer(t, Settings{Optional: true, Whole: Params{Class: "GLACIER"}})
	s.classes = nil // all fails as unsupported
	store := s.rules.Around(incapable{s}, Watch{Headers: s.headers, Say: s.say})
	_, err := store.Put(t.Context(), pack, nil, object.PutOptions{IfMatch: "x"})
	if _, warned := s.log(); !errors.Is(err, object.ErrUnsupported) || strings.Contains(err.Error(), "GLACIER") || len(warned) > 0 {
		t.Errorf("%v %q", err, warned)
	}
}

// incapable is a store that can do nothing beyond what every store does.
type incapable struct{ object.Store }

func (incapable) Capabilities() object.Capabilities { return object.Capabilities{} }

func TestDropped(t *testing.T) {
	s := newServer(t, Settings{Whole: Params{Class: "GLACIER"}})
	s.drops = true
	mustPut(t, s.open(t.TempDir()), pack, anotherPack)
	asked, warned := s.log()
	if len(warned) != 1 || !strings.Contains(warned[0], "the server took class GLACIER and did not do as asked: storage class is STANDARD and not GLACIER") {
		t.Errorf("%q", warned)
	}
	if !slices.Equal(asked, []string{"GET .storageconfig", "HEAD " + pack}) {
		t.Errorf("asked %q", asked)
	}

	encrypted := Settings{Whole: Params{Encryption: EncryptKMS}}
	s = newServer(t, encrypted)
	s.drops = true
	if _, err := s.open("").Put(t.Context(), pack, nil, object.PutOptions{}); !errors.Is(err, object.ErrUnsupported) || !strings.Contains(err.Error(), "encryption is none and not aws:kms") {
		t.Errorf("%v", err)
	}
	encrypted.Optional = true
	s = newServer(t, encrypted)
	s.drops = true
	mustPut(t, s.open(""), pack)
	if _, warned := s.log(); len(warned) != 1 {
		t.Errorf("%q", warned)
	}
}

func TestLost(t *testing.T) {
	full := Params{Class: "STANDARD_IA", Encryption: EncryptKMS, KMSKey: "k1", BucketKey: true, Tags: "a=b&c=d"}
	good := http.Header{
		"X-Amz-Storage-Class": {"STANDARD_IA"}, "X-Amz-Server-Side-Encryption": {"aws:kms"},
		"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id":     {"arn:aws:kms:eu:1:key/k1"},
		"X-Amz-Server-Side-Encryption-Bucket-Key-Enabled": {"true"}, "X-Amz-Tagging-Count": {"2"},
	}
	if lost, unencrypted := full.lost(good); len(lost) > 0 || unencrypted {
		t.Errorf("%q", lost)
	}
	for name, want := range map[string]struct {
		value, text string
		unencrypted bool
	}{
		"X-Amz-Storage-Class":                             {"", "storage class is STANDARD and not STANDARD_IA", false},
		"X-Amz-Server-Side-Encryption":                    {"AES256", "encryption is AES256 and not aws:kms", true},
		"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id":     {"k2", "encryption key is k2 and not k1", true},
		"X-Amz-Server-Side-Encryption-Bucket-Key-Enabled": {"false", "bucket key is off and not enabled", true},
		"X-Amz-Tagging-Count":                             {"1", "number of tags is 1 and not 2", false},
	} {
		h := good.Clone()
		h.Set(name, want.value)
		if lost, unencrypted := full.lost(h); !slices.Equal(lost, []string{want.text}) || unencrypted != want.unencrypted {
			t.Errorf("%s: %q, %t", name, lost, unencrypted)
		}
	}
	if lost, _ := (Params{Encryption: EncryptCustomer}).lost(http.Header{"X-Amz-Server-Side-Encryption-Customer-Algorithm": {"AES256"}}); len(lost) > 0 {
		t.Errorf("%q", lost)
	}
}

// TestWrites: a file is put only if it may be followed, and is in force then.
func TestWrites(t *testing.T) {
	s := newServer(t, Settings{})
	store := s.open(t.TempDir())
	for text, want := range map[string]error{`{`: ErrMalformed, `{"blobOptions":[{"storageClass":"GLACIER"}]}`: ErrArchive} {
		if _, err := store.Put(t.Context(), format.StorageConfigName, []byte(text), object.PutOptions{}); !errors.Is(err, want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := store.Put(t.Context(), format.StorageConfigName, []byte(example), object.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	s.classes = append(s.classes, "INTELLIGENT_TIERING")
	mustPut(t, store, pack)
	if asked, _ := s.log(); s.put[pack].Class != "INTELLIGENT_TIERING" || !slices.Equal(asked, []string{"HEAD " + pack}) {
		t.Errorf("%v, asked %q", s.put[pack], asked)
	}
}

// TestAtOnce: many writers read the file once.
func TestAtOnce(t *testing.T) {
	s := newServer(t, Settings{Whole: Params{Class: "GLACIER"}})
	store := s.open(t.TempDir())
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			name := fmt.Sprintf("%s%02x", anotherPack[:len(anotherPack)-2], i)
			if _, err := store.Put(t.Context(), name, nil, object.PutOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if asked, _ := s.log(); len(asked) != 2 {
		t.Errorf("asked %q", asked)
	}
}
