package authn_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/causeway-access/causeway/internal/authn"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/authenticator"
)

// counting counts how often it is asked.
type counting struct {
	next  authenticator.Request
	asked int
}

func (c *counting) AuthenticateRequest(r *http.Request) (*authenticator.Response, bool, error) {
	c.asked++
	return c.next.AuthenticateRequest(r)
}

// carrying returns a request with the headers, name and value in turn.
func carrying(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://api/version", nil)
	r.TLS = &tls.ConnectionState{}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func withCert(cert *tls.Certificate, headers ...string) *http.Request {
	r := carrying(headers...)
	r.TLS.PeerCertificates = []*x509.Certificate{cert.Leaf}
	return r
}

func TestWhatIsRemembered(t *testing.T) {
	e := newEverything(t)
	good, other := e.ca.client(t, "carol"), newAuthority(t).client(t, "mallory")
	for _, cert := range []*tls.Certificate{good, other} {
		leaf, err := x509.ParseCertificate(cert.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		cert.Leaf = leaf
	}
	const token, wrong = "Bearer static-token", "Bearer wrong"
	tests := []struct {
		name     string
		request  func() *http.Request
		want     string // of both
		remember bool
	}{
		{"a token", func() *http.Request { return carrying("Authorization", token) },
			"robot [ci builders system:authenticated]", true},
		{"a password", func() *http.Request { return carrying("Authorization", basic("alice", "wonderland")) },
			"alice [developers system:authenticated]", true},
		{"a token for the gateway beside the application's", func() *http.Request {
			return carrying("Proxy-Authorization", token, "Authorization", "Bearer mine")
		}, "robot [ci builders system:authenticated] Bearer mine", true},
		{"a certificate", func() *http.Request { return withCert(good) },
			"carol [system:authenticated]", true},
		{"a certificate beside the application's token", func() *http.Request { return withCert(good, "Authorization", "Bearer mine") },
			"carol [system:authenticated] Bearer mine", true},
		{"not a refusal", func() *http.Request { return carrying("Authorization", wrong) }, "refused", false},
		{"not nobody", func() *http.Request { return carrying() }, "nobody", false},
		{"not the token that stood in for a bad certificate", func() *http.Request { return withCert(other, "Authorization", token) },
			"robot [ci builders system:authenticated]", false},
		{"not one of two tokens", func() *http.Request { return carrying("Authorization", token, "Authorization", wrong) },
			"robot [ci builders system:authenticated]", false},
		{"not what came in a WebSocket's protocol", func() *http.Request {
			return carrying("Connection", "upgrade", "Upgrade", "websocket",
				"Sec-Websocket-Protocol", "base64url.bearer.authorization.k8s.io.c3RhdGljLXRva2Vu,x")
		}, "robot [ci builders system:authenticated] x", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			next := &counting{next: build(t, e.cfg)}
			remembered := authn.Remember(next, e.cfg.Audiences)
			for n := range 3 {
				if got := describe(remembered, test.request()); got != test.want {
					t.Errorf("request %d: got %q, want %q", n, got, test.want)
				}
			}
			want := 3
			if test.remember {
				want = 1
			}
			if next.asked != want {
				t.Errorf("the authenticator was asked %d times, want %d", next.asked, want)
			}
		})
	}
}

func TestOneCredentialIsNotTakenForAnother(t *testing.T) {
	e := newEverything(t)
	remembered := authn.Remember(build(t, e.cfg), e.cfg.Audiences)
	const token = "Bearer static-token"
	if got := describe(remembered, carrying("Authorization", token)); got == "refused" {
		t.Fatal("the token is refused")
	}
	for name, r := range map[string]*http.Request{
		"another token":                  carrying("Authorization", "Bearer static-tokem"),
		"a bad token for the gateway":    carrying("Proxy-Authorization", "Bearer x"),
		"a longer one":                   carrying("Authorization", token+"n"),
		"the same as a password":         carrying("Authorization", "Basic static-token"),
		"the token where it is nobody's": carrying("X-Authorization", token),
	} {
		if got := describe(remembered, r); got != "refused" && got != "nobody" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestForOthersAudiencesNothingIsRemembered(t *testing.T) {
	e := newEverything(t)
	remembered := authn.Remember(build(t, e.cfg), authenticator.Audiences{"others"})
	for range 2 {
		if got := describe(remembered, carrying("Authorization", "Bearer "+e.account(t))); got != "refused" {
			t.Errorf("a token for this API server at another's: %q", got)
		}
	}
}

func TestRevokedTokenIsForgottenWithinTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		e := newEverything(t)
		a, err := authn.New(ctx, e.cfg)
		if err != nil {
			t.Fatal(err)
		}
		remembered := authn.Remember(a, e.cfg.Audiences)
		token := "Bearer " + e.account(t)
		if got := describe(remembered, carrying("Authorization", token)); got == "refused" {
			t.Fatal("the token is refused")
		}
		if err := e.client.CoreV1().ServiceAccounts("web").Delete(ctx, "default", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5*time.Second - time.Millisecond)
		describe(remembered, carrying("Authorization", token)) // asked for again just before
		time.Sleep(5*time.Second + 2*time.Millisecond)
		if got := describe(remembered, carrying("Authorization", token)); got != "refused" {
			t.Errorf("ten seconds after the account was deleted: %q", got)
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	e := newEverything(b)
	a := build(b, e.cfg)
	cert := e.ca.client(b, "carol")
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		b.Fatal(err)
	}
	cert.Leaf = leaf
	for _, by := range []struct {
		name string
		how  authenticator.Request
	}{{"asked", a}, {"remembered", authn.Remember(a, e.cfg.Audiences)}} {
		b.Run(by.name+"/token", func(b *testing.B) {
			r, values := carrying(), []string{"Bearer static-token"}
			b.ReportAllocs()
			for b.Loop() {
				r.Header["Authorization"] = values
				authenticate(b, by.how, r)
			}
		})
		b.Run(by.name+"/certificate", func(b *testing.B) {
			r := withCert(cert)
			b.ReportAllocs()
			for b.Loop() {
				authenticate(b, by.how, r)
			}
		})
	}
}

func authenticate(b *testing.B, a authenticator.Request, r *http.Request) {
	if _, ok, err := a.AuthenticateRequest(r); !ok || err != nil {
		b.Fatal(ok, err)
	}
}
