package config

import (
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Vendor is what is known of an S3 server or of the company that runs one.
type Vendor struct {
	// Name is how the configuration names it.
	Name string `yaml:"name"`
	// Title is its full name.
	Title string `yaml:"title"`
	// Aliases are further names.
	Aliases []string `yaml:"aliases"`
	// Endpoint is the address with {region} and {account} in it; "" if every
	// customer has another one.
	Endpoint string `yaml:"endpoint"`
	// Hosts are further host names, {region} and {account} in them, by which an
	// address is recognised as the vendor's.
	Hosts []string `yaml:"hosts"`
	// Domains are the vendor's domains: every host below them is its server.
	Domains []string `yaml:"domains"`
	// Regions are the regions known; there may be others.
	Regions []string `yaml:"regions"`
	// Region is the one to take if none is given, "" if one must be.
	Region string `yaml:"region"`
	// Style is how the bucket is addressed: virtual (in the host name) or path.
	Style string `yaml:"style" enum:"virtual,path"`
	// Classes are the storage classes that can be asked for.
	Classes []string `yaml:"classes"`
	// Archive are those of the classes from which objects must be thawed before
	// they can be read.
	Archive []string `yaml:"archive"`
	// Conditional says what becomes of a conditional PUT.
	Conditional string `yaml:"conditional_put" enum:"yes,no,ignored,unquoted,unknown"`
	// Checksums says whether x-amz-checksum-sha256 is taken.
	Checksums string `yaml:"checksums" enum:"yes,no,unknown"`
	// ObjectLock says whether objects can be locked against deletion.
	ObjectLock string `yaml:"object_lock" enum:"yes,no,unknown"`
	// Listing is the version of the listing call that is known to work.
	Listing int `yaml:"listing" min:"1" max:"2"`
	// MinimumDays is for how long an object is charged at least.
	MinimumDays int `yaml:"minimum_days" min:"0" max:"3650"`
	// Buckets and Keys are the pages where buckets and keys are made or explained.
	Buckets string `yaml:"buckets"`
	Keys    string `yaml:"keys"`
	// Quirks are sentences about what is different there.
	Quirks []string `yaml:"quirks"`
	// Advice is what to do about errors, by code.
	Advice []Advice `yaml:"advice"`

	patterns []hostForm
}

// Advice is what to do about an error of one vendor.
type Advice struct {
	// Code is the error's code, as InvalidAccessKeyId.
	Code string `yaml:"code"`
	// Do is a sentence.
	Do string `yaml:"do"`
}

// Custom is the vendor's name for a server that no other name fits.
const Custom = "custom"

//go:embed vendors.yaml
var vendorFile []byte

var (
	readingVendors sync.Once
	vendors        []*Vendor // set by readingVendors
)

// Vendors returns what is known of vendors, in the order of their names.
// Callers do not change it.
func Vendors() []*Vendor {
	readingVendors.Do(func() {
		list, err := readVendors(vendorFile)
		if err != nil {
			panic("config: embedded vendors.yaml: " + err.Error()) // a test reads the same bytes
		}
		vendors = list
	})
	return vendors
}

// FindVendor finds a vendor by name or alias in any case, also with - or blanks for _.
func FindVendor(name string) (*Vendor, bool) {
	name = vendorName(name)
	for _, v := range Vendors() {
		if v.Name == name || slices.Contains(v.Aliases, name) {
			return v, true
		}
	}
	return nil, false
}

// VendorNamed is FindVendor with an error that says what may have been meant.
func VendorNamed(name string) (*Vendor, error) {
	v, ok := FindVendor(name)
	if ok {
		return v, nil
	}
	text := fmt.Sprintf("%q is not known; use custom with an endpoint", name)
	if near := nearest(vendorName(name), vendorNames()); near != "" {
		text += ", or did you mean " + near + "?"
	}
	return nil, errors.New(text)
}

func vendorName(name string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "", ".", "").Replace(strings.ToLower(name))
}

func vendorNames() []string {
	var names []string
	for _, v := range Vendors() {
		names = append(append(names, v.Name), v.Aliases...)
	}
	return names
}

// AdviceFor returns what to do about an error code at this vendor, "" if
// nothing in particular.
func (v *Vendor) AdviceFor(code string) string {
	for _, a := range v.Advice {
		if a.Code == code {
			return a.Do
		}
	}
	return ""
}

// readVendors reads and checks a file of vendors.
func readVendors(text []byte) ([]*Vendor, error) {
	var file struct {
		Vendors []Vendor `yaml:"vendors"`
	}
	if err := Decode("vendors.yaml", text, &file); err != nil {
		return nil, err
	}
	list := make([]*Vendor, len(file.Vendors))
	names := map[string]bool{}
	for i := range file.Vendors {
		v := &file.Vendors[i]
		list[i] = v
		for _, name := range append([]string{v.Name}, v.Aliases...) {
			if names[name] || name == "" || vendorName(name) != name {
				return nil, fmt.Errorf("vendor %q: name taken or not in plain spelling", name)
			}
			names[name] = true
		}
		if err := v.check(); err != nil {
			return nil, fmt.Errorf("vendor %s: %w", v.Name, err)
		}
	}
	slices.SortFunc(list, func(a, b *Vendor) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// check completes a vendor and says what does not fit.
func (v *Vendor) check() error {
	if v.Title == "" || v.Style == "" || v.Conditional == "" || v.Checksums == "" || v.ObjectLock == "" || v.Listing == 0 {
		return errors.New("title, style, conditional_put, checksums, object_lock and listing are required")
	}
	if v.Endpoint != "" {
		if err := checkEndpoint(v.Endpoint); err != nil {
			return err
		}
		_, host, _ := strings.Cut(v.Endpoint, "://")
		v.Hosts = append([]string{host}, v.Hosts...)
	}
	if strings.Contains(v.Endpoint, "{region}") && len(v.Regions) == 0 {
		return errors.New("the endpoint has {region}, and there are no regions")
	}
	if v.Region != "" && len(v.Regions) > 0 && !slices.Contains(v.Regions, v.Region) {
		return fmt.Errorf("region %s is not one of its regions", v.Region)
	}
	for _, class := range v.Archive {
		if !slices.Contains(v.Classes, class) {
			return fmt.Errorf("archive class %s is not one of its classes", class)
		}
	}
	codes := map[string]bool{}
	for _, a := range v.Advice {
		if a.Code == "" || a.Do == "" || codes[a.Code] {
			return fmt.Errorf("advice on %q is empty or there twice", a.Code)
		}
		codes[a.Code] = true
	}
	for _, list := range [][]string{v.Regions, v.Classes, v.Archive} {
		if sorted := slices.Sorted(slices.Values(list)); len(slices.Compact(sorted)) < len(list) {
			return errors.New("a region or a class is there twice")
		}
	}
	for _, link := range []string{v.Buckets, v.Keys} {
		if u, err := url.Parse(link); err != nil || link != "" && (u.Scheme != "https" || u.Host == "") {
			return fmt.Errorf("%q is no link", link)
		}
	}
	for _, host := range v.Hosts {
		v.patterns = append(v.patterns, compileHost(host))
	}
	return nil
}
