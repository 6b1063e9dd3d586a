package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/causeway-access/causeway/internal/privatefile"
)

const (
	// checkEvery bounds how long a sleeping machine or a moved clock can hide
	// that a renewal is due: timers do not run while a laptop sleeps.
	checkEvery = time.Hour
	// retryAfter is the pause after a renewal that failed (a full disk, say).
	retryAfter = time.Minute
)

// KeepConfig says which leaf to keep and where.
type KeepConfig struct {
	// Dir holds Name.crt and Name.key; it is made if missing.
	Dir, Name string
	// Leaf is what the certificate must say. A change of it reissues.
	Leaf Leaf
	// Chain has Name.crt end with the authority's certificate. A server then
	// shows it to clients that do not know it yet, which can ask their user
	// whether it is the right one; a leaf would tell them nothing lasting.
	Chain bool
	// Log hears of renewals; slog.Default() if nil.
	Log *slog.Logger
}

// Kept is a leaf on disk that is always valid.
type Kept struct {
	// CertFile and KeyFile are for those who watch files, such as the API
	// server's dynamiccertificates.
	CertFile, KeyFile string

	authority *Authority
	leaf      Leaf
	chain     bool
	log       *slog.Logger
	current   atomic.Pointer[tls.Certificate]
}

// Keep loads the leaf from disk, and issues it anew when it is missing, damaged,
// not of this authority, not what cfg.Leaf says, or near its end: when only a
// third of its life remains. Until ctx ends it goes on renewing in time.
func Keep(ctx context.Context, authority *Authority, cfg KeepConfig) (*Kept, error) {
	if err := os.MkdirAll(cfg.Dir, dirMode); err != nil {
		return nil, fmt.Errorf("keeping the certificate %s: %w", cfg.Name, err)
	}
	k := &Kept{
		CertFile:  filepath.Join(cfg.Dir, cfg.Name+".crt"),
		KeyFile:   filepath.Join(cfg.Dir, cfg.Name+".key"),
		authority: authority,
		leaf:      cfg.Leaf,
		chain:     cfg.Chain,
		log:       cfg.Log,
	}
	if k.log == nil {
		k.log = slog.Default()
	}
	if err := k.load(); err != nil {
		if err := k.reissue(err); err != nil {
			return nil, err
		}
	}
	go k.run(ctx)
	return k, nil
}

// GetCertificate is for tls.Config of a server.
func (k *Kept) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return k.current.Load(), nil
}

// GetClientCertificate is for tls.Config of a client.
func (k *Kept) GetClientCertificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return k.current.Load(), nil
}

// Certificate is the one in use now; it must not be changed.
func (k *Kept) Certificate() *x509.Certificate { return k.current.Load().Leaf }

func (k *Kept) run(ctx context.Context) {
	wait := k.untilCheck()
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = k.untilCheck()
		if err := k.timely(k.Certificate()); err != nil {
			if err := k.reissue(err); err != nil {
				k.log.Error("certificate not renewed, will try again", "file", k.CertFile, "err", err)
				wait = retryAfter
			}
		}
	}
}

func (k *Kept) untilCheck() time.Duration {
	due := time.Until(renewAt(k.Certificate()))
	if due <= 0 {
		return checkEvery
	}
	return min(due, checkEvery)
}

// load takes the pair on disk into use if nothing is wrong with it.
func (k *Kept) load() error {
	pair, err := tls.LoadX509KeyPair(k.CertFile, k.KeyFile)
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("it is missing")
	}
	if err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	if err := k.check(&pair); err != nil {
		return err
	}
	k.current.Store(&pair)
	return nil
}

// reissue writes the key first: whoever reads between the two renames finds a
// pair that does not match, keeps what it has, and reads again.
func (k *Kept) reissue(reason error) error {
	certPEM, keyPEM, err := k.authority.Issue(k.leaf)
	if err != nil {
		return err
	}
	if k.chain {
		certPEM = append(certPEM, k.authority.certPEM...)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return fmt.Errorf("keeping the certificate %s: %w", k.CertFile, err)
	}
	if err := privatefile.Write(k.KeyFile, keyPEM); err != nil {
		return err
	}
	if err := privatefile.Write(k.CertFile, certPEM); err != nil {
		return err
	}
	k.current.Store(&pair)
	k.log.Info("certificate issued", "file", k.CertFile, "because", reason.Error(), "until", pair.Leaf.NotAfter.UTC())
	return nil
}

// check returns why the pair has to be replaced, or nil.
func (k *Kept) check(pair *tls.Certificate) error {
	if err := pair.Leaf.CheckSignatureFrom(k.authority.cert); err != nil {
		return errors.New("it was signed by another authority")
	}
	if k.chain != (len(pair.Certificate) > 1) {
		return errors.New("its chain is another")
	}
	if err := k.timely(pair.Leaf); err != nil {
		return err
	}
	return k.leaf.differs(pair.Leaf)
}

// timely is the part of check that passing time can change.
func (k *Kept) timely(cert *x509.Certificate) error {
	now := time.Now()
	if now.Before(cert.NotBefore) {
		return errors.New("it is not valid yet: the clock was moved")
	}
	if !now.Before(renewAt(cert)) && cert.NotAfter.Before(k.authority.cert.NotAfter) {
		return errors.New("its end is near") // and a new one would end later
	}
	return nil
}

// renewAt is when a third of the life remains.
func renewAt(cert *x509.Certificate) time.Time {
	return cert.NotAfter.Add(-cert.NotAfter.Sub(cert.NotBefore) / 3)
}

// differs returns in what the certificate is not the leaf, or nil.
func (l Leaf) differs(cert *x509.Certificate) error {
	switch {
	case cert.Subject.CommonName != l.CommonName, !sameSet(cert.Subject.Organization, l.Organizations):
		return errors.New("its subject is another")
	case !sameSet(cert.DNSNames, l.DNSNames), !sameSet(ipStrings(cert.IPAddresses), ipStrings(l.IPs)):
		return errors.New("its names are others")
	case !slices.Equal(cert.ExtKeyUsage, l.extKeyUsages()):
		return errors.New("its usages are others")
	}
	return nil
}

func ipStrings(ips []net.IP) []string {
	out := make([]string, 0, len(ips))
	for _, ip := range ips {
		out = append(out, ip.String())
	}
	return out
}

func sameSet(a, b []string) bool {
	normal := func(in []string) []string { return slices.Compact(slices.Sorted(slices.Values(in))) }
	return slices.Equal(normal(a), normal(b))
}
