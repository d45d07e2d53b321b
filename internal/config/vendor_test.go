package config

import (
	"slices"
	"strings"
	"testing"
)

// TestVendors checks every entry of the embedded file, whose errors would
// otherwise come up at run time.
func TestVendors(t *testing.T) {
	list, err := readVendors(vendorFile)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 25 {
		t.Errorf("%d vendors", len(list))
	}
	for _, v := range list {
		if found, ok := FindVendor(strings.ToUpper(v.Name)); !ok || found.Name != v.Name {
			t.Errorf("%s is not found", v.Name)
		}
		for _, sentence := range v.Quirks {
			if !strings.HasSuffix(sentence, ".") {
				t.Errorf("%s: %q is no sentence", v.Name, sentence)
			}
		}
		for _, a := range v.Advice {
			if a.Code == "" || !strings.HasSuffix(a.Do, ".") || v.AdviceFor(a.Code) != a.Do {
				t.Errorf("%s: advice %+v", v.Name, a)
			}
		}
		if v.Endpoint == "" {
			continue
		}
		regions := v.Regions
		if len(regions) == 0 {
			regions = []string{v.Region}
		}
		for _, region := range regions {
			checkVendorRegion(t, v, region)
		}
	}
}

// checkVendorRegion: vendor and region are enough to connect, and the host name
// made of them leads back to both.
func checkVendorRegion(t *testing.T, v *Vendor, region string) {
	t.Helper()
	d := Drive{Provider: S3, Bucket: "backups", Vendor: v.Name, Region: region, Account: "acc0unt"}
	if !strings.Contains(v.Endpoint, "{account}") {
		d.Account = ""
	}
	if p := d.complete(); len(p) > 0 {
		t.Errorf("%s %s: %v", v.Name, region, p)
		return
	}
	a, err := d.resolve(with())
	if err != nil || strings.ContainsAny(a.Endpoint.Value, "{}") || a.Region.Value == "" {
		t.Errorf("%s %s: %+v, %v", v.Name, region, a, err)
		return
	}
	host := endpointHost(a.Endpoint.Value)
	if v.Name == "aws" {
		host = "s3." + region + ".amazonaws.com"
	}
	vendor, found, bucket := vendorOfHost(host)
	if vendor == nil || vendor.Name != v.Name || bucket != "" || found != region && v.Region == "" {
		t.Errorf("%s is read as %v, %q, %q", host, vendor, found, bucket)
	}
	if v.Style == "virtual" {
		if vendor, _, bucket := vendorOfHost("backups." + host); vendor == nil || vendor.Name != v.Name || bucket != "backups" {
			t.Errorf("backups.%s is read as %v, bucket %q", host, vendor, bucket)
		}
	}
}

// TestVendorData: what the pages and the command say of vendors is whole.
func TestVendorData(t *testing.T) {
	links, advised := 0, 0
	for _, v := range Vendors() {
		for _, f := range v.Facts() {
			if f.Name == "" || f.Text == "" || f.Code && f.Link {
				t.Errorf("%s: %+v", v.Name, f)
			}
			if f.Link {
				links++
			}
		}
		advised += len(v.Advice)
		if v.Name != Custom && v.Endpoint == "" && len(v.Hosts) > 0 {
			t.Errorf("%s has hosts and no endpoint", v.Name)
		}
		servers, err := v.Servers("acc0unt")
		if (err != nil) != (v.Endpoint == "") || err == nil && len(servers) != max(1, len(v.Regions)) {
			t.Errorf("%s: %v, %v", v.Name, servers, err)
		}
		for _, s := range servers {
			if err := checkEndpoint(s.Endpoint); err != nil || strings.ContainsAny(s.Endpoint, "{}") {
				t.Errorf("%s: %+v, %v", v.Name, s, err)
			}
		}
	}
	if links < 30 || advised < 30 {
		t.Errorf("%d links, %d pieces of advice", links, advised)
	}
	for name, days := range map[string]int{"wasabi": 90, "aws": 0} {
		if v, _ := FindVendor(name); v.MinimumDays != days {
			t.Errorf("%s: %d days", name, v.MinimumDays)
		}
	}
	china, _ := FindVendor("aws")
	servers, err := china.Servers("")
	if err != nil || !slices.Contains(servers, Server{"cn-north-1", "https://s3.cn-north-1.amazonaws.com.cn"}) {
		t.Errorf("%v, %v", servers, err)
	}
	r2, _ := FindVendor("r2")
	if _, err := r2.Servers(""); err == nil {
		t.Error("cloudflare without an account")
	}
}

func TestVendorOfHost(t *testing.T) {
	for _, c := range []struct{ host, vendor, region, bucket string }{
		{"s3.amazonaws.com", "aws", "", ""},
		{"S3.EU-WEST-1.AMAZONAWS.COM.", "aws", "eu-west-1", ""},
		{"s3.dualstack.eu-west-1.amazonaws.com", "aws", "eu-west-1", ""},
		{"my.bucket.s3.eu-west-1.amazonaws.com", "aws", "eu-west-1", "my.bucket"},
		{"new.service.amazonaws.com", "aws", "", ""},
		{"s3.wasabisys.com", "wasabi", "", ""},
		{"abc.eu.r2.cloudflarestorage.com", "cloudflare", "", ""},
		{"amazonaws.com.example.org", "", "", ""},
		{"notamazonaws.com", "", "", ""},
		{"minio.example.com", "", "", ""},
		{"", "", "", ""},
	} {
		v, region, bucket := vendorOfHost(c.host)
		name := ""
		if v != nil {
			name = v.Name
		}
		if name != c.vendor || region != c.region || bucket != c.bucket {
			t.Errorf("%s: %q %q %q", c.host, name, region, bucket)
		}
	}
}

func TestReadVendorsErrors(t *testing.T) {
	const good = "vendors:\n  - name: a\n    title: A\n    style: path\n    conditional_put: yes\n    checksums: yes\n    object_lock: no\n    listing: 2\n"
	if _, err := readVendors([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for text, says := range map[string]string{
		good + "    colour: red\n":                                  "vendors.yaml:9:5: vendors[0].colour",
		strings.Replace(good, "path", "up", 1):                      "not one of virtual, path",
		strings.Replace(good, "    title: A\n", "", 1):              "title",
		strings.Replace(good, "name: a", "name: A b", 1):            "plain spelling",
		good + strings.TrimPrefix(good, "vendors:\n"):               "name taken",
		good + "    endpoint: https://{region}.a.example\n":         "no regions",
		good + "    endpoint: https://{x}.a.example\n":              "{x} is not known",
		good + "    buckets: www.example.com\n":                     "is no link",
		good + "    regions: [x]\n    region: y\n":                  "not one of its regions",
		good + "    regions: [x, y, x]\n":                           "twice",
		good + "    classes: [A, A]\n":                              "twice",
		good + "    advice: [{code: A, do: b}, {code: A, do: c}]\n": "there twice",
		good + "    advice: [{code: A}]\n":                          "is empty",
		strings.Replace(good, "listing: 2", "listing: ${X}", 1):     "is not set",
	} {
		if _, err := readVendors([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", says, err)
		}
	}
}
