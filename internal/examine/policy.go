package examine

import (
	"fmt"
	"strings"

	"firn/internal/format"
)

// Use is what somebody wants to do with a drive.
type Use string

// The uses.
const (
	UseBackup   Use = "backup"   // make snapshots; deletes nothing
	UseRestore  Use = "restore"  // read everything, write nothing
	UseMaintain Use = "maintain" // check, forget, prune
	UseAll      Use = "all"      // create the repository and its keys too
)

// Uses are all of them, in the order to show.
var Uses = []Use{UseBackup, UseRestore, UseMaintain, UseAll}

// Grant is what a policy is to allow.
type Grant struct {
	Use    Use
	Bucket string // its name, or the ARN of an access point
	Prefix string // of the drive's keys: "" or ending in "/"
	Region string // tells AWS's partitions apart; "" is the ordinary one
	// Host confines writing to names that this host's key signs, so that one
	// host cannot write in the name of another; nil for all hosts.
	Host *format.Host
	// Thaw allows those who read to ask for readable copies of data packs in
	// archive classes.
	Thaw bool
}

// Policy is an IAM policy in AWS's JSON. MinIO, Ceph and others take the same.
type Policy struct {
	Version   string
	Statement []Statement
}

// Statement allows actions on resources.
type Statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string][]string `json:",omitempty"`
}

// Least returns the least policy with which everything that belongs to a use
// works. What only examination asks about, and what Firn does without, is not in it.
func Least(g Grant) (*Policy, error) {
	list := Statement{Sid: "FirnList", Action: []string{"s3:ListBucket"}, Resource: []string{g.bucketARN()}}
	if g.Prefix != "" {
		list.Condition = map[string]map[string][]string{"StringLike": {"s3:prefix": {g.Prefix + "*"}}}
	}
	read := Statement{Sid: "FirnRead", Action: []string{"s3:GetObject"}, Resource: g.objects("*")}
	policy := &Policy{Version: "2012-10-17", Statement: []Statement{list, read}}
	write, remove, err := g.names()
	if err != nil {
		return nil, err
	}
	if len(write) > 0 {
		policy.Statement = append(policy.Statement, Statement{Sid: "FirnWrite", Action: []string{"s3:PutObject"}, Resource: g.objects(write...)})
	}
	if g.Thaw && g.Use != UseBackup {
		thaw := Statement{Sid: "FirnThaw", Action: []string{"s3:RestoreObject"}, Resource: g.objects(format.PrefixData + "*")}
		policy.Statement = append(policy.Statement, thaw)
	}
	if len(remove) > 0 {
		policy.Statement = append(policy.Statement, Statement{Sid: "FirnDelete", Action: []string{"s3:DeleteObject"}, Resource: g.objects(remove...)})
	}
	for i := range policy.Statement {
		policy.Statement[i].Effect = "Allow"
	}
	return policy, nil
}

// names returns patterns of the names that a use writes and deletes.
func (g *Grant) names() (write, remove []string, err error) {
	own := "*" // what stands behind the prefix of names that carry a host
	if g.Host != nil {
		own = g.Host.String() + "-*"
	}
	session := []string{format.PrefixSessions + own, format.PrefixHeartbeats + own, format.PrefixManifests + own}
	content := []string{format.PrefixData + "*", format.PrefixMeta + "*", format.PrefixSegments + own}
	probe := folder + "*"
	switch g.Use {
	case UseRestore:
		return nil, nil, nil
	case UseBackup:
		return join(content, session, probe), nil, nil
	case UseMaintain:
		// The outcome of a session that broke off stands under its own name, a
		// decision under that of the record it settles, whoever writes them.
		session[2] = format.PrefixManifests + "*"
		return join(content, session, format.PrefixRecords+"*", probe), sweepable(), nil
	case UseAll:
		if g.Host == nil {
			return []string{"*"}, []string{"*"}, nil
		}
		session[2] = format.PrefixManifests + "*"
		write = join(content, session, format.PrefixRecords+"*", probe, "firn.*", format.StorageConfigName, format.PrefixKeys+"*")
		return write, append(sweepable(), "firn.*", format.PrefixKeys+"*"), nil
	}
	return nil, nil, fmt.Errorf("policy: %q is none of %s", g.Use, joinUses())
}

// sweepable are the names that pruning deletes.
func sweepable() []string {
	return []string{
		format.PrefixData + "*", format.PrefixMeta + "*", format.PrefixSegments + "*", format.PrefixSessions + "*",
		format.PrefixHeartbeats + "*", format.PrefixManifests + "*", format.PrefixRecords + "*", folder + "*",
	}
}

func join(a, b []string, more ...string) []string {
	return append(append(append([]string(nil), a...), b...), more...)
}

func joinUses() string {
	var words []string
	for _, u := range Uses {
		words = append(words, string(u))
	}
	return strings.Join(words, ", ")
}

// bucketARN is how policies name the bucket.
func (g *Grant) bucketARN() string {
	if strings.HasPrefix(g.Bucket, "arn:") {
		return g.Bucket
	}
	partition := "aws"
	switch {
	case strings.HasPrefix(g.Region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(g.Region, "us-gov-"):
		partition = "aws-us-gov"
	}
	return "arn:" + partition + ":s3:::" + g.Bucket
}

// objects is how policies name objects of the drive.
func (g *Grant) objects(patterns ...string) []string {
	base := g.bucketARN() + "/"
	if strings.HasPrefix(g.Bucket, "arn:") {
		base += "object/"
	}
	list := make([]string, len(patterns))
	for i, p := range patterns {
		list[i] = base + g.Prefix + p
	}
	return list
}
