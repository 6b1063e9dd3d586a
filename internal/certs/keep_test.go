package certs_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/causeway-access/causeway/internal/certs"
)

var leaf = certs.Leaf{CommonName: "kube-apiserver", DNSNames: []string{"localhost"}, IPs: []net.IP{net.IPv4(127, 0, 0, 1)}, Server: true}

func keep(t *testing.T, authority *certs.Authority, dir string, want certs.Leaf) *certs.Kept {
	t.Helper()
	kept, err := certs.Keep(t.Context(), authority, certs.KeepConfig{Dir: dir, Name: "apiserver", Leaf: want, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

func TestKeptLeafIsTakenUpAgain(t *testing.T) {
	dir := t.TempDir()
	authority := open(t, dir)
	first, second := keep(t, authority, dir, leaf), keep(t, authority, dir, leaf)
	if !first.Certificate().Equal(second.Certificate()) {
		t.Error("a good leaf was replaced")
	}
	pair, err := tls.LoadX509KeyPair(second.CertFile, second.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	served, err := second.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pair.Certificate[0], served.Certificate[0]) {
		t.Error("the leaf on disk is not the one that is served")
	}
	stat, err := os.Stat(second.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	if stat.Mode() != 0o600 {
		t.Errorf("mode of the key = %v", stat.Mode())
	}
}

func TestLeafIsReissuedWhenItIsNotGood(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, kept *certs.Kept) certs.Leaf{
		"certificate missing": func(t *testing.T, kept *certs.Kept) certs.Leaf {
			remove(t, kept.CertFile)
			return leaf
		},
		"key missing": func(t *testing.T, kept *certs.Kept) certs.Leaf {
			remove(t, kept.KeyFile)
			return leaf
		},
		"key damaged": func(t *testing.T, kept *certs.Kept) certs.Leaf {
			write(t, kept.KeyFile, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
			return leaf
		},
		"certificate cut short": func(t *testing.T, kept *certs.Kept) certs.Leaf {
			write(t, kept.CertFile, "-----BEGIN CERTIFICATE-----\nMII")
			return leaf
		},
		"another address wanted": func(*testing.T, *certs.Kept) certs.Leaf {
			changed := leaf
			changed.IPs = append([]net.IP{net.IPv4(10, 96, 0, 1)}, leaf.IPs...)
			return changed
		},
		"another user wanted": func(*testing.T, *certs.Kept) certs.Leaf {
			changed := leaf
			changed.CommonName = "somebody"
			return changed
		},
		"another usage wanted": func(*testing.T, *certs.Kept) certs.Leaf {
			changed := leaf
			changed.Client = true
			return changed
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			authority := open(t, dir)
			old := keep(t, authority, dir, leaf)
			want := spoil(t, old)
			renewed := keep(t, authority, dir, want)
			if renewed.Certificate().Equal(old.Certificate()) {
				t.Error("the leaf was not replaced")
			}
			if again := keep(t, authority, dir, want); !again.Certificate().Equal(renewed.Certificate()) {
				t.Error("the new leaf was replaced at once")
			}
		})
	}
}

func TestChainEndsWithTheAuthority(t *testing.T) {
	dir := t.TempDir()
	authority := open(t, dir)
	alone := keep(t, authority, dir, leaf)
	chained, err := certs.Keep(t.Context(), authority, certs.KeepConfig{Dir: dir, Name: "apiserver", Leaf: leaf, Chain: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if alone.Certificate().Equal(chained.Certificate()) {
		t.Error("the leaf alone was taken for the chain")
	}
	served, err := chained.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(served.Certificate) != 2 || !bytes.Equal(served.Certificate[1], authority.Certificate().Raw) {
		t.Errorf("%d certificates are served, want the leaf and the authority's", len(served.Certificate))
	}
	again, err := certs.Keep(t.Context(), authority, certs.KeepConfig{Dir: dir, Name: "apiserver", Leaf: leaf, Chain: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil || !again.Certificate().Equal(chained.Certificate()) {
		t.Errorf("the chain was replaced when it was opened again (%v)", err)
	}
}

func TestLeafOfAnotherAuthorityIsReissued(t *testing.T) {
	dir := t.TempDir()
	old := keep(t, open(t, t.TempDir()), dir, leaf)
	authority := open(t, t.TempDir())
	renewed := keep(t, authority, dir, leaf)
	if renewed.Certificate().Equal(old.Certificate()) {
		t.Fatal("a foreign leaf was kept")
	}
	if err := renewed.Certificate().CheckSignatureFrom(authority.Certificate()); err != nil {
		t.Error(err)
	}
}

func TestOrderOfNamesDoesNotMatter(t *testing.T) {
	dir := t.TempDir()
	authority := open(t, dir)
	a, b := leaf, leaf
	a.DNSNames = []string{"a", "b"}
	b.DNSNames = []string{"b", "a", "b"}
	if first, second := keep(t, authority, dir, a), keep(t, authority, dir, b); !first.Certificate().Equal(second.Certificate()) {
		t.Error("the leaf was replaced though its names are the same")
	}
}

func TestLeafIsRenewedWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		dir := t.TempDir()
		kept, err := certs.Keep(ctx, open(t, dir), certs.KeepConfig{Dir: dir, Name: "x", Leaf: leaf, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		first := kept.Certificate()
		time.Sleep(certs.LeafLife/2 + 24*time.Hour)
		if !kept.Certificate().Equal(first) {
			t.Error("renewed though more than a third of the life remained")
		}
		time.Sleep(certs.LeafLife / 4)
		second := kept.Certificate()
		if second.Equal(first) {
			t.Fatal("not renewed though less than a third of the life remains")
		}
		pair, err := tls.LoadX509KeyPair(kept.CertFile, kept.KeyFile)
		if err != nil {
			t.Fatal(err)
		}
		if !pair.Leaf.Equal(second) {
			t.Error("the files hold another leaf than is served")
		}
	})
}

func TestRenewalIsTriedAgainAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var log logged
		pki, dir := t.TempDir(), filepath.Join(t.TempDir(), "leaves")
		kept, err := certs.Keep(ctx, open(t, pki), certs.KeepConfig{Dir: dir, Name: "x", Leaf: leaf, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		first := kept.Certificate()
		time.Sleep(certs.LeafLife*2/3 - 2*time.Hour) // the renewal is near
		if err := os.Rename(dir, dir+".away"); err != nil {
			t.Fatal(err)
		}
		write(t, dir, "no directory")
		time.Sleep(4 * time.Hour)
		synctest.Wait()
		if !kept.Certificate().Equal(first) {
			t.Fatal("renewed without a place to write to")
		}
		if !strings.Contains(log.String(), "certificate not renewed") {
			t.Errorf("the failure was not logged: %s", log.String())
		}
		remove(t, dir)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if kept.Certificate().Equal(first) {
			t.Error("not renewed after the file was out of the way")
		}
	})
}

// A leaf cannot end after its authority, so near that end there is nothing to
// gain: renewing all the time would only burn processors.
func TestNoRenewalWithoutGain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		authority := open(t, dir)
		time.Sleep(certs.AuthorityLife - 3*time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var log logged
		_, err := certs.Keep(ctx, authority, certs.KeepConfig{Dir: dir, Name: "x", Leaf: leaf, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2*time.Hour + 50*time.Minute)
		synctest.Wait()
		if got := strings.Count(log.String(), "certificate issued"); got != 1 {
			t.Errorf("issued %d times, want once:\n%s", got, log.String())
		}
	})
}

// logged is what was logged so far.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
