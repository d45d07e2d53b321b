package examine

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http/httptrace"
	"strings"
	"time"

	"firn/internal/format"
	"firn/internal/object"
)

// Limits of what is in order.
const (
	certificateDays = 21               // before it ends, a certificate should be renewed
	skewNoted       = time.Minute      // of clocks; more is warned of
	skewRefused     = 15 * time.Minute // AWS and others refuse requests beyond it
)

// reach makes the first request and tells of every stage of its way. It says
// whether further requests make sense.
func (e *examination) reach(ctx context.Context) bool {
	var way route
	begun := time.Now()
	there, err := repositoryThere(httptrace.WithClientTrace(ctx, way.trace()), e.Store)
	e.report.Listing, e.report.Repository = time.Since(begun), there
	way.mu.Lock() // the transport may not have finished yet
	defer way.mu.Unlock()
	if e.Bucket != nil && !e.stages(&way, err) {
		return false
	}
	switch {
	case err == nil && there:
		e.ok(StepList, "permitted; a repository is there")
	case err == nil:
		e.ok(StepList, "permitted; no repository is there yet")
	case errors.Is(err, object.ErrNoBucket):
		e.fail(StepList, err)
	default:
		e.doubt(StepList, err)
	}
	if e.Bucket != nil {
		e.clock(err)
	}
	return err == nil || errors.Is(err, object.ErrAccess) // what else is not permitted is worth knowing
}

// repositoryThere lists the root of a repository.
func repositoryThere(ctx context.Context, store object.Store) (bool, error) {
	for _, name := range []string{format.RootName(1), format.RootCopyName(1)} {
		for _, err := range store.List(ctx, name) {
			return err == nil, err
		}
	}
	return false, nil
}

// stages tells of the way to the server as far as the request came, and says
// whether the server has answered. err is what became of the request.
func (e *examination) stages(way *route, err error) bool {
	if way.hop == "" { // it did not even begin: no keys, say
		e.skip(StepName, "no request was made", "")
		e.fail(StepList, err)
		return false
	}
	host, via := hostOf(way.hop), ""
	if way.proxied() {
		via = "; it is the proxy on the way to " + way.server
	}
	switch {
	case way.lookupErr != nil && way.peer == "":
		e.fail(StepName, err)
		return false
	case net.ParseIP(host) != nil || len(way.addresses) == 0:
		e.ok(StepName, "%s is an address%s", host, via)
	default:
		e.ok(StepName, "%s is %s (%s)%s", host, way.shown(), brief(way.lookup.length()), via)
	}
	if way.peer == "" {
		e.fail(StepConnection, err)
		return false
	}
	e.ok(StepConnection, "to %s in %s", way.peer, brief(way.connect.length()))
	if !e.certificate(way, err) {
		return false
	}
	if !way.answered && err != nil {
		e.fail(StepList, err)
		return false
	}
	return true
}

// certificate tells of the server's certificate and says whether it is good
// enough to go on.
func (e *examination) certificate(way *route, err error) bool {
	if !way.secure {
		if ip := net.ParseIP(hostOf(way.peer)); ip != nil && ip.IsLoopback() && !way.proxied() {
			e.ok(StepCertificate, "none: plain HTTP, which does not leave this machine")
		} else {
			e.warn(StepCertificate, "none: plain HTTP; requests are signed, but everybody on the way can see them",
				"write https:// in endpoint if the server has TLS")
		}
		return true
	}
	chain := way.chain()
	if !way.securityOK {
		found, advice := explain(err)
		if len(chain) > 0 {
			found += " (" + certificateWords(chain[0]) + ")"
		}
		e.failAs(Step{Name: StepCertificate, Found: found, Advice: advice}, err)
		return false
	}
	if len(chain) == 0 {
		e.warn(StepCertificate, "the server showed none", "check endpoint: servers of S3 show one")
		return true
	}
	left := time.Until(chain[0].NotAfter)
	switch text := certificateWords(chain[0]); {
	case len(way.security.VerifiedChains) == 0:
		e.warn(StepCertificate, text+"; it was not checked, so that anybody on the way can pose as the server",
			"take verify_ssl: false out; ca_file makes a private authority trusted")
	case left < certificateDays*24*time.Hour:
		e.warn(StepCertificate, fmt.Sprintf("%s, which is in %d days", text, int(left.Hours()/24)), "renew the server's certificate")
	default:
		e.ok(StepCertificate, "%s", text)
	}
	return true
}

// certificateWords says what a certificate is for, who issued it and when it ends.
func certificateWords(c *x509.Certificate) string {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	const most = 3
	text := "for no name"
	if len(names) > 0 {
		text = "for " + strings.Join(names[:min(len(names), most)], ", ")
	}
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	issuer := c.Issuer.CommonName
	if len(c.Issuer.Organization) > 0 {
		issuer = strings.TrimSpace(c.Issuer.Organization[0] + " " + issuer)
	}
	return fmt.Sprintf("%s, issued by %s, ends %s", text, orUnnamed(issuer), c.NotAfter.UTC().Format(time.DateOnly))
}

func orUnnamed(issuer string) string {
	if issuer == "" {
		return "nobody named"
	}
	return issuer
}

// clock compares the server's clock with this machine's. Its accuracy is a second.
func (e *examination) clock(err error) {
	now, known := e.Bucket.ServerTime()
	if !known {
		e.skip(StepClock, "the server does not say what time it is", "")
		return
	}
	e.report.Skew = time.Until(now).Round(time.Second)
	const advice = "set this machine's clock, with NTP for example"
	switch skew := e.report.Skew.Abs(); {
	case skew >= skewRefused && err == nil:
		e.warn(StepClock, fmt.Sprintf("differs by %s; most servers refuse more than %s", skew, skewRefused), advice)
	case skew >= skewRefused:
		e.fail(StepClock, &object.Error{Op: "compare clocks", Advice: advice,
			Err: fmt.Errorf("differs by %s; most servers refuse more than %s", skew, skewRefused)})
	case skew > skewNoted:
		e.warn(StepClock, fmt.Sprintf("differs by %s", skew), advice)
	default:
		e.ok(StepClock, "agrees to %s", max(skew, time.Second))
	}
}

// brief writes a duration as far as it matters.
func brief(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms < 0.1:
		return "less than 0.1 ms"
	case ms < 9.95:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 999.5:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f s", ms/1000)
}
