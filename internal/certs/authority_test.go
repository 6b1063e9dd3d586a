package certs_test

import (
	"bytes"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/causeway-access/causeway/internal/certs"
	"github.com/google/go-cmp/cmp"
)

func open(t *testing.T, dir string) *certs.Authority {
	t.Helper()
	authority, err := certs.OpenAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

func parse(t *testing.T, certPEM []byte) *x509.Certificate {
	t.Helper()
	cert, err := certs.ParseCert(certPEM)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestAuthorityIsTheSameAfterReopening(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	first, second := open(t, dir), open(t, dir)
	if !bytes.Equal(first.CertPEM(), second.CertPEM()) {
		t.Error("the authority changed between two openings")
	}
	certPEM, _, err := second.Issue(certs.Leaf{CommonName: "alice", Client: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := parse(t, certPEM).CheckSignatureFrom(first.Certificate()); err != nil {
		t.Errorf("a leaf of the reopened authority: %v", err)
	}
}

func TestAuthorityFilesAreForTheOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	open(t, dir)
	for path, want := range map[string]os.FileMode{dir: 0o700 | os.ModeDir, filepath.Join(dir, "ca.key"): 0o600} {
		stat, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := stat.Mode(); got != want {
			t.Errorf("mode of %s = %v, want %v", path, got, want)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files left behind: %v %v", left, err)
	}
}

func TestKeyWithoutCertificateIsCompleted(t *testing.T) {
	dir := t.TempDir()
	before := open(t, dir)
	certPEM, _, err := before.Issue(certs.Leaf{CommonName: "alice", Client: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "ca.crt")); err != nil {
		t.Fatal(err)
	}
	if err := parse(t, certPEM).CheckSignatureFrom(open(t, dir).Certificate()); err != nil {
		t.Errorf("what the key signed before does not verify any more: %v", err)
	}
}

func TestBrokenAuthorityIsAnErrorAndIsLeftAlone(t *testing.T) {
	read := func(t *testing.T, path string) []byte {
		t.Helper()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, cert, key string) error
		want  string
	}{
		{"key missing", func(_ *testing.T, _, key string) error { return os.Remove(key) }, "is missing: restore the key"},
		{"certificate cut short", func(t *testing.T, cert, _ string) error {
			return os.WriteFile(cert, read(t, cert)[:100], 0o600)
		}, "no PEM block"},
		{"certificate empty", func(_ *testing.T, cert, _ string) error { return os.WriteFile(cert, []byte("\n"), 0o600) }, "no PEM block"},
		{"key cut short", func(t *testing.T, _, key string) error { return os.WriteFile(key, read(t, key)[:60], 0o600) }, "damaged"},
		{"key of another authority", func(t *testing.T, _, key string) error {
			other := t.TempDir()
			open(t, other)
			return os.WriteFile(key, read(t, filepath.Join(other, "ca.key")), 0o600)
		}, "do not belong together"},
		{"files exchanged", func(t *testing.T, cert, key string) error {
			swapped := read(t, key)
			if err := os.WriteFile(key, read(t, cert), 0o600); err != nil {
				return err
			}
			return os.WriteFile(cert, swapped, 0o600)
		}, "want CERTIFICATE"},
		{"a leaf in place of the authority", func(t *testing.T, cert, key string) error {
			certPEM, keyPEM, err := open(t, filepath.Dir(cert)).Issue(certs.Leaf{CommonName: "x", Server: true})
			if err != nil {
				return err
			}
			if err := os.WriteFile(cert, certPEM, 0o600); err != nil {
				return err
			}
			return os.WriteFile(key, keyPEM, 0o600)
		}, "not the certificate of an authority"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			open(t, dir)
			cert, key := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key")
			if err := tt.spoil(t, cert, key); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			_, err = certs.OpenAuthority(dir)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one that says %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "PRIVATE KEY-----") {
				t.Error("the error quotes the key")
			}
			after, _ := os.ReadDir(dir)
			if len(after) != len(before) {
				t.Errorf("files before %v, after %v", before, after)
			}
		})
	}
}

func TestClockAndExpiryAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		authority := open(t, dir)
		time.Sleep(certs.AuthorityLife + time.Hour)
		if _, err := certs.OpenAuthority(dir); err == nil || !strings.Contains(err.Error(), "expired on") {
			t.Errorf("after ten years: %v", err)
		}
		if _, _, err := authority.Issue(certs.Leaf{CommonName: "late", Client: true}); err == nil || !strings.Contains(err.Error(), "expired on") {
			t.Errorf("issuing after ten years: %v", err)
		}
	})
	// Outside the bubble it is 2026 or later, inside it is the year 2000.
	dir := t.TempDir()
	open(t, dir)
	synctest.Test(t, func(t *testing.T) {
		if _, err := certs.OpenAuthority(dir); err == nil || !strings.Contains(err.Error(), "set the clock") {
			t.Errorf("with a clock far back: %v", err)
		}
	})
}

func TestDirectoryThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := certs.OpenAuthority(filepath.Join(file, "pki")); err == nil || !strings.Contains(err.Error(), "opening the certificate authority") {
		t.Errorf("error = %v", err)
	}
}

func TestIssuedLeafSaysWhatWasAskedFor(t *testing.T) {
	authority := open(t, t.TempDir())
	certPEM, _, err := authority.Issue(certs.Leaf{
		CommonName: "kube-apiserver", Organizations: []string{"ops"},
		DNSNames: []string{"localhost"}, IPs: []net.IP{net.ParseIP("::1")},
		Server: true, Client: true, Validity: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	cert := parse(t, certPEM)
	if diff := cmp.Diff([]string{"localhost"}, cert.DNSNames); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"ops"}, cert.Subject.Organization); diff != "" {
		t.Error(diff)
	}
	if left := time.Until(cert.NotAfter); left > time.Hour || left < 50*time.Minute {
		t.Errorf("it lives for %s, want an hour", left)
	}
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth} {
		_, err := cert.Verify(x509.VerifyOptions{Roots: authority.Pool(), DNSName: "localhost", KeyUsages: []x509.ExtKeyUsage{usage}})
		if err != nil {
			t.Errorf("usage %v: %v", usage, err)
		}
	}
	if err := cert.VerifyHostname("::1"); err != nil {
		t.Error(err)
	}
}

func TestLeafForNobodyIsRefused(t *testing.T) {
	if _, _, err := open(t, t.TempDir()).Issue(certs.Leaf{CommonName: "x"}); err == nil {
		t.Error("a leaf that is neither client's nor server's was issued")
	}
}

func TestLeafDoesNotOutliveItsAuthority(t *testing.T) {
	authority := open(t, t.TempDir())
	certPEM, _, err := authority.Issue(certs.Leaf{CommonName: "x", Client: true, Validity: 2 * certs.AuthorityLife})
	if err != nil {
		t.Fatal(err)
	}
	if got, limit := parse(t, certPEM).NotAfter, authority.Certificate().NotAfter; got.After(limit) {
		t.Errorf("leaf ends %s, authority %s", got, limit)
	}
}

func TestFingerprintIsThatOfOpenssl(t *testing.T) {
	cert := &x509.Certificate{Raw: []byte("abc")}
	const want = "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD"
	if got := certs.Fingerprint(cert); got != want {
		t.Errorf("Fingerprint = %s, want %s", got, want)
	}
}

func FuzzParseCert(f *testing.F) {
	authority, err := certs.OpenAuthority(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(authority.CertPEM())
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, text []byte) {
		cert, err := certs.ParseCert(text)
		if (cert == nil) == (err == nil) {
			t.Errorf("ParseCert = %v, %v: want exactly one", cert, err)
		}
	})
}
