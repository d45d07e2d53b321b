package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"firn/internal/config"
	"firn/internal/examine"
	"firn/internal/object"
	"firn/internal/object/s3"
)

// subject opens a drive to be examined: afresh, and without what stands in
// front of it in other commands. asked tells what it has been asked since.
func (a *app) subject(ctx context.Context, set *config.Drive) (subject examine.Subject, asked func() requests, err error) {
	if set.Provider == config.Local {
		store, err := a.openStore(ctx, set, false, nil)
		if err != nil {
			return subject, nil, err
		}
		if set.ReadOnly {
			store = object.ReadOnly(store)
		}
		meter := object.Meter(store)
		return examine.Subject{Store: meter}, func() requests { return requestsOf(meter) }, nil
	}
	at, err := set.Resolve()
	if err != nil {
		return subject, nil, usage(err)
	}
	c, err := a.s3Config(ctx, set)
	if err != nil {
		return subject, nil, err
	}
	keys, err := keysFrom(ctx, set, &at, c)
	if err != nil {
		return subject, nil, err
	}
	counter := &requestCounter{next: c.Debug}
	c.Debug = counter.count
	store, err := s3.Open(ctx, c)
	if err != nil {
		return subject, nil, err
	}
	client := c
	if client.Client = "minio"; c.Client == "minio" {
		client.Client = "aws"
	}
	style, pathStyle := c, !at.PathStyle
	style.PathStyle = &pathStyle
	rules, err := a.storageRules(set)
	if err != nil {
		return subject, nil, err
	}
	return examine.Subject{
		Rules: rules, Classes: at.Vendor.Classes, Store: store, Bucket: store, Keys: keys, Region: at.Region.Value, RegionFrom: at.Region.From,
		Prefix: set.KeyPrefix(), Class: set.StorageClass,
		OtherClient: alternative(client, "client: "+client.Client),
		OtherStyle:  alternative(style, fmt.Sprintf("force_path_style: %t", pathStyle)),
	}, counter.sum, nil
}

// alternative is a bucket with one setting changed. It is a mere trial, so that
// what fails is not repeated.
func alternative(c s3.Config, setting string) examine.Alternative {
	c.MaxRetries = -1
	return examine.Alternative{Setting: setting, Open: func(ctx context.Context) (object.Store, error) { return s3.Open(ctx, c) }}
}

// requestCounter counts requests as they go over the wire, those about the bucket
// itself too.
type requestCounter struct {
	next func(s3.RequestLog) // told afterwards, if not nil

	mu    sync.Mutex
	total requests // guarded by mu
}

func (c *requestCounter) count(l s3.RequestLog) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total.Total++
	c.total.BytesIn += l.Received
	c.total.BytesOut += l.Sent
	switch {
	case l.Method == http.MethodGet && strings.Contains(l.Query, "list-type"):
		c.total.List++
	case l.Method == http.MethodGet:
		c.total.Get++
	case l.Method == http.MethodPut:
		c.total.Put++
	case l.Method == http.MethodHead:
		c.total.Head++
	case l.Method == http.MethodDelete, l.Method == http.MethodPost:
		c.total.Delete++
	}
	if c.next != nil {
		c.next(l)
	}
}

func (c *requestCounter) sum() requests {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}

// keysFrom says where the keys to a bucket come from.
func keysFrom(ctx context.Context, set *config.Drive, at *config.Address, c s3.Config) (string, error) {
	keys, err := set.Credentials(ctx, at)
	if err != nil {
		return "", err
	}
	from := keys.From
	if c.AccessKey == "" {
		// What cannot be found now is told by the first request.
		if source, err := s3.KeySource(ctx, c); err == nil {
			from = source
		}
	}
	if set.RoleARN != "" {
		from += ", with which the role " + set.RoleARN + " is assumed"
	}
	return from, nil
}
