package pin_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/causeway-access/causeway/internal/certs/pin"
)

// holder has a certificate and its key.
type holder struct {
	*x509.Certificate
	key crypto.Signer
}

// issue makes a certificate; a nil signer makes one that signs itself.
func (signer *holder) issue(t *testing.T, name string, change func(*x509.Certificate)) *holder {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
	}
	change(template)
	h := &holder{key: key}
	if signer == nil {
		signer = &holder{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.Certificate, key.Public(), signer.key)
	if err != nil {
		t.Fatal(err)
	}
	if h.Certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return h
}

func authority(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign }

func here(c *x509.Certificate) {
	c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
}

// serve shows the certificates, the first of which is its own, and publishes
// an authority if there is one.
func serve(t *testing.T, published *x509.Certificate, shown ...*holder) *url.URL {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if name != "Accept" && name != "User-Agent" && name != "Accept-Encoding" && name != "Connection" {
				t.Errorf("a stranger was sent %s", name)
			}
		}
		if published == nil || r.URL.Path != "/base/api/v1/namespaces/kube-public/configmaps/cluster-info" {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		config := api.NewConfig()
		config.Clusters[""] = &api.Cluster{CertificateAuthorityData: pin.PEM(published)}
		text, err := clientcmd.Write(*config)
		if err != nil {
			t.Error(err)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]string{"kubeconfig": string(text)}})
	}))
	pair := tls.Certificate{PrivateKey: shown[0].key}
	for _, h := range shown {
		pair.Certificate = append(pair.Certificate, h.Raw)
	}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL + "/base")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestThePathLeadsToTheAuthority(t *testing.T) {
	var self *holder
	root := self.issue(t, "root", authority)
	other := self.issue(t, "root", authority) // a stranger of the same name
	middle := root.issue(t, "middle", authority)
	leaf, below := root.issue(t, "leaf", here), middle.issue(t, "leaf", here)
	alone := self.issue(t, "alone", here)
	for _, test := range []struct {
		name      string
		published *holder
		shown     []*holder
		want      []*holder
	}{
		{"leaf and authority", nil, []*holder{leaf, root}, []*holder{leaf, root}},
		{"leaf alone", nil, []*holder{leaf}, []*holder{leaf}},
		{"leaf alone, authority published", root, []*holder{leaf}, []*holder{leaf, root}},
		{"leaf alone, another's authority published", other, []*holder{leaf}, []*holder{leaf}},
		{"a chain of three in no order, with a stranger", nil, []*holder{below, other, root, middle}, []*holder{below, middle, root}},
		{"a chain without its root", nil, []*holder{below, middle}, []*holder{below, middle}},
		{"a chain without its root, which is published", root, []*holder{below, middle}, []*holder{below, middle, root}},
		{"signed by itself", root, []*holder{alone}, []*holder{alone}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var published *x509.Certificate
			if test.published != nil {
				published = test.published.Certificate
			}
			shown, err := pin.Look(t.Context(), serve(t, published, test.shown...), "")
			if err != nil {
				t.Fatal(err)
			}
			if len(shown.Path) != len(test.want) {
				t.Fatalf("the path has %d certificates, want %d", len(shown.Path), len(test.want))
			}
			for i, want := range test.want {
				if !shown.Path[i].Equal(want.Certificate) {
					t.Errorf("number %d on the path is %s, want %s", i, shown.Path[i].Subject, want.Subject)
				}
			}
			top := test.want[len(test.want)-1].Certificate
			if err := shown.VerifyBy(top); err != nil {
				t.Errorf("by what is on top: %v", err)
			}
			if err := shown.VerifyBy(other.Certificate); err == nil {
				t.Error("by a stranger: no error")
			}
			if got := pin.Lasting(shown.Top()); got != top.IsCA {
				t.Errorf("Lasting = %v", got)
			}
			for _, f := range []pin.Fingerprint{sha256.Sum256(top.Raw), sha256.Sum256(top.RawSubjectPublicKeyInfo)} {
				if found := shown.Find(f); found == nil || !found.Equal(top) {
					t.Errorf("Find(%s) = %v", f, found)
				}
			}
			if shown.Find(sha256.Sum256(other.Raw)) != nil {
				t.Error("found a certificate that is not on the path")
			}
		})
	}
}

func TestWhatIsWrongWithTheCertificateIsFound(t *testing.T) {
	var self *holder
	root := self.issue(t, "root", authority)
	for name, change := range map[string]func(*x509.Certificate){
		"expired": func(c *x509.Certificate) {
			here(c)
			c.NotBefore, c.NotAfter = c.NotBefore.AddDate(-1, 0, 0), c.NotAfter.AddDate(-1, 0, 0)
		},
		"not 127.0.0.1":    func(c *x509.Certificate) { here(c); c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 2)} },
		"incompatible key": func(c *x509.Certificate) { here(c); c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} },
	} {
		shown, err := pin.Look(t.Context(), serve(t, nil, root.issue(t, "leaf", change), root), "")
		if err != nil {
			t.Fatal(err)
		}
		if err := shown.VerifyBy(root.Certificate); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestServersThatShowNothing(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for address, want := range map[string]string{
		strings.Replace(plain.URL, "http:", "https:", 1):  "HTTP response to HTTPS client",
		strings.Replace(closed.URL, "http:", "https:", 1): "connection refused",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pin.Look(t.Context(), u, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", address, err, want)
		}
	}
}

func TestFingerprintsAreReadInEveryForm(t *testing.T) {
	want := pin.Fingerprint(sha256.Sum256([]byte("abc")))
	plain := strings.TrimPrefix(want.String(), "sha256:")
	colons := strings.ToUpper(plain[:2])
	for i := 2; i < len(plain); i += 2 {
		colons += ":" + strings.ToUpper(plain[i:i+2])
	}
	for _, text := range []string{want.String(), plain, colons, "SHA-256 " + colons, "SHA256:" + colons, " sha256:" + plain + "\n", "sha256=" + plain, "sha256 Fingerprint=" + colons} {
		if got, err := pin.ParseFingerprint(text); err != nil || got != want {
			t.Errorf("ParseFingerprint(%q) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "sha256:", plain[1:], plain + "0", "md5:" + plain[:32], strings.Repeat("g", 64)} {
		if _, err := pin.ParseFingerprint(text); err == nil {
			t.Errorf("ParseFingerprint(%q): no error", text)
		}
	}
}

func FuzzParseFingerprint(f *testing.F) {
	f.Add("sha256:" + strings.Repeat("0a", 32))
	f.Add("SHA-256 " + strings.Repeat("AB:", 31) + "AB")
	f.Add(":::")
	f.Fuzz(func(t *testing.T, text string) {
		one, err := pin.ParseFingerprint(text)
		if err != nil {
			return
		}
		if again, err := pin.ParseFingerprint(one.String()); err != nil || again != one {
			t.Errorf("%s read again: %v, %v", one, again, err)
		}
	})
}

// FuzzPublished has a server publish what it likes.
func FuzzPublished(f *testing.F) {
	f.Add([]byte(`{"data":{"kubeconfig":"clusters:\n- name: a\n  cluster:\n    certificate-authority-data: AAAA\n"}}`))
	f.Add([]byte(`{"data":{"kubeconfig":"clusters: [null, {}]"}}`))
	f.Add([]byte("data: 1"))
	var self *holder
	f.Fuzz(func(t *testing.T, body []byte) {
		root := self.issue(t, "root", authority)
		leaf := root.issue(t, "leaf", here)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
		server.TLS = &tls.Config{Certificates: []tls.Certificate{{PrivateKey: leaf.key, Certificate: [][]byte{leaf.Raw}}}}
		server.StartTLS()
		defer server.Close()
		u, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		shown, err := pin.Look(t.Context(), u, "")
		if err != nil {
			t.Fatal(err)
		}
		if len(shown.Path) != 1 {
			t.Errorf("an authority was taken from %q", body)
		}
	})
}
