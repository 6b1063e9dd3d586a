package walkthrough

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"testing"
	"time"

	"github.com/causeway-access/causeway/internal/certs"
)

// TestUpMakesLeavesAnewThatAreExpiredOrSwapped has one leaf of another
// authority, one at its end and one that is no certificate at all.
func TestUpMakesLeavesAnewThatAreExpiredOrSwapped(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	up := start(t, h.up())
	createConfigMap(t, up, "before")
	if err := up.stop(); err != nil {
		t.Fatal(err)
	}
	other, err := certs.OpenAuthority(h.path("other"))
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := other.Issue(certs.Leaf{CommonName: "kube-apiserver", DNSNames: []string{"localhost"}, Server: true})
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, h.data("pki", "apiserver.crt"), cert)
	rewrite(t, h.data("pki", "apiserver.key"), key)
	again(t, h.data("pki", "admin"), h.data("pki", "ca"), time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour))
	rewrite(t, h.data("pki", "apiserver-node-client.crt"), []byte("no certificate\n"))

	next := start(t, h.up())
	hasConfigMaps(t, next, "before") // with the certificate in admin.kubeconfig, verified by the same authority
	if next.Fingerprint != up.Fingerprint {
		t.Errorf("the authority is %s, want it unchanged, %s", next.Fingerprint, up.Fingerprint)
	}
}

// TestUpRefusesAnAuthorityItCannotUse is also how a clock that is far off
// shows: to the program, an authority of the future and a clock that is years
// behind are one thing, and so are an expired one and a clock far ahead.
func TestUpRefusesAnAuthorityItCannotUse(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	up := start(t, h.up())
	createConfigMap(t, up, "before")
	if err := up.stop(); err != nil {
		t.Fatal(err)
	}
	authority := h.data("pki", "ca")
	now := time.Now()
	if _, err := certs.OpenAuthority(h.path("other")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		harm func(t *testing.T)
		want []string
	}{
		{"certificate of another", func(t *testing.T) {
			copyFile(t, h.path("other", "ca.crt"), authority+".crt")
		}, []string{authority + ".crt", authority + ".key", "do not belong together", "backup"}},
		{"key of another", func(t *testing.T) {
			copyFile(t, h.path("other", "ca.key"), authority+".key")
		}, []string{authority + ".crt", authority + ".key", "do not belong together", "backup"}},
		{"key lost", func(t *testing.T) {
			if err := os.Remove(authority + ".key"); err != nil {
				t.Fatal(err)
			}
		}, []string{authority + ".key is missing", "backup"}},
		{"clock far behind", func(t *testing.T) {
			again(t, authority, authority, now.AddDate(5, 0, 0), now.AddDate(15, 0, 0))
		}, []string{authority + ".crt is not valid before", "clock says", "set the clock"}},
		{"clock far ahead", func(t *testing.T) {
			again(t, authority, authority, now.AddDate(-15, 0, 0), now.AddDate(-5, 0, 0))
		}, []string{authority + ".crt expired on", "clock says", "set the clock if it is wrong"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cert, key := content(t, authority+".crt"), content(t, authority+".key")
			test.harm(t)
			refuses(t, h.up(), 1, test.want...)
			rewrite(t, authority+".crt", cert)
			rewrite(t, authority+".key", key)
		})
	}
	hasConfigMaps(t, start(t, h.up()), "before")
}

// again writes the certificate name.crt as it was but for its time, signed by
// the authority as before.
func again(t *testing.T, name, authority string, from, until time.Time) {
	t.Helper()
	old, err := tls.LoadX509KeyPair(name+".crt", name+".key")
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := tls.LoadX509KeyPair(authority+".crt", authority+".key")
	if err != nil {
		t.Fatal(err)
	}
	template := *old.Leaf
	template.NotBefore, template.NotAfter = from, until
	der, err := x509.CreateCertificate(rand.Reader, &template, issuer.Leaf, old.PrivateKey.(crypto.Signer).Public(), issuer.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, name+".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	rewrite(t, to, content(t, from))
}
