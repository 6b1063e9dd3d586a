package authn_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/causeway-access/causeway/internal/authn"
	"github.com/causeway-access/causeway/internal/authn/serviceaccount"
	"github.com/causeway-access/causeway/test/fakeapi"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
)

// authority is a certificate authority of the test's own.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert = certify(t, template, template, &a.key.PublicKey, a.key)
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func certify(t testing.TB, template, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func (a *authority) client(t testing.TB, name string, groups ...string) *tls.Certificate {
	t.Helper()
	key := newKey(t)
	cert := certify(t, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name, Organization: groups},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, a.cert, &key.PublicKey, a.key)
	return &tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

func (a *authority) provider(t testing.TB) dynamiccertificates.CAContentProvider {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	provider, err := dynamiccertificates.NewStaticCAContent("test", text)
	if err != nil {
		t.Fatal(err)
	}
	return provider
}

// cluster is a fake API with the account web/default and a bootstrap token.
func cluster() *fake.Clientset {
	return fakeapi.NewClientset(
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: "default", UID: "1"}},
		&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "bootstrap-token-abcdef"},
			Type:       corev1.SecretTypeBootstrapToken,
			Data: map[string][]byte{
				"token-id": []byte("abcdef"), "token-secret": []byte("0123456789abcdef"), "usage-bootstrap-authentication": []byte("true"),
			},
		})
}

// everything turns on all kinds of credentials.
type everything struct {
	cfg    authn.Config
	ca     *authority
	client *fake.Clientset
	tokens *serviceaccount.Tokens
}

func newEverything(t testing.TB) *everything {
	t.Helper()
	dir := t.TempDir()
	hash, err := bcrypt.GenerateFromPassword([]byte("wonderland"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	quiet := slog.New(slog.DiscardHandler)
	keys, err := serviceaccount.OpenKeys(t.Context(), serviceaccount.KeysConfig{Dir: filepath.Join(dir, "keys"), Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	e := &everything{ca: newAuthority(t), client: cluster()}
	e.tokens = serviceaccount.New(serviceaccount.Config{
		Keys: keys, Objects: serviceaccount.FromCluster(e.client, informers.NewSharedInformerFactory(e.client, 0)),
	})
	e.cfg = authn.Config{
		ClientCA:           e.ca.provider(t),
		HtpasswdFile:       file("htpasswd", "alice:"+string(hash)+"\n"),
		HtpasswdGroupsFile: file("groups", "developers: alice\n"),
		TokensFile:         file("tokens.csv", "static-token,robot,42,\"ci,builders\"\n"),
		ServiceAccounts:    e.tokens,
		BootstrapSecrets: func(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
			return e.client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
		},
		Audiences: e.tokens.Audiences(),
		Log:       quiet,
	}
	return e
}

func (e *everything) account(t testing.TB) string {
	t.Helper()
	account, err := e.client.CoreV1().ServiceAccounts("web").Get(t.Context(), "default", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := e.tokens.Issue(serviceaccount.Request{Account: account})
	if err != nil {
		t.Fatal(err)
	}
	return token.Token
}

func build(t testing.TB, cfg authn.Config) *authn.Authenticator {
	t.Helper()
	a, err := authn.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func basic(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

// over says who a request is from, which comes over real TLS.
func over(t *testing.T, a *authn.Authenticator, cert *tls.Certificate, path string, header http.Header) string {
	t.Helper()
	remembered := authn.Remember(a, nil)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Ask") == "remembered" {
			fmt.Fprint(w, describe(remembered, r))
			return
		}
		fmt.Fprint(w, describe(a, r))
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	defer server.Close()
	client := server.Client()
	if cert != nil {
		client.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{*cert}
	}
	answer := ""
	for _, ask := range []string{"", "", "remembered", "remembered"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = header.Clone()
		if request.Header == nil {
			request.Header = http.Header{}
		}
		request.Header.Set("X-Ask", ask)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text := body(t, response)
		if answer != "" && answer != text {
			t.Errorf("asked %q a later request is answered %q, the first %q", ask, text, answer)
		}
		answer = text
	}
	return answer
}

func body(t *testing.T, response *http.Response) string {
	t.Helper()
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// describe is "user [groups] header left", or why nobody.
func describe(a authenticator.Request, r *http.Request) string {
	response, ok, err := a.AuthenticateRequest(r)
	switch {
	case err != nil:
		return "refused"
	case !ok:
		return "nobody"
	}
	left := ""
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Sec-Websocket-Protocol"} {
		if value := r.Header.Get(name); value != "" {
			left += " " + value
		}
	}
	return fmt.Sprintf("%s %v%s", response.User.GetName(), response.User.GetGroups(), left)
}

func TestWhoAsks(t *testing.T) {
	e := newEverything(t)
	a := build(t, e.cfg)
	account := "Bearer " + e.account(t)
	alice := e.ca.client(t, "carol", "ops")
	foreign := newAuthority(t).client(t, "mallory", "system:masters")
	nameless := e.ca.client(t, "", "system:masters")
	websocket := func(token string) http.Header {
		return http.Header{
			"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
			"Sec-Websocket-Protocol": {"base64url.bearer.authorization.k8s.io." + base64.RawURLEncoding.EncodeToString([]byte(token)) + ", v4.channel.k8s.io"},
		}
	}
	authorization := func(value string) http.Header { return http.Header{"Authorization": {value}} }
	for _, tt := range []struct {
		name   string
		cert   *tls.Certificate
		path   string
		header http.Header
		want   string
	}{
		{name: "client certificate", cert: alice, want: "carol [ops system:authenticated]"},
		{name: "certificate of another authority", cert: foreign, want: "refused"},
		{name: "certificate without a name", cert: nameless, want: "nobody"},
		{name: "certificate, and a header for the application", cert: alice, header: authorization("Bearer theirs"), want: "carol [ops system:authenticated] Bearer theirs"},
		{name: "bad certificate, good token", cert: foreign, header: authorization("Bearer static-token"), want: "robot [ci builders system:authenticated]"},

		{name: "password", header: authorization(basic("alice", "wonderland")), want: "alice [developers system:authenticated]"},
		{name: "scheme in lower case", header: authorization(strings.Replace(basic("alice", "wonderland"), "Basic", "basic", 1)), want: "alice [developers system:authenticated]"},
		{name: "wrong password", header: authorization(basic("alice", "x")), want: "refused"},
		{name: "unknown user", header: authorization(basic("bob", "wonderland")), want: "refused"},
		{name: "malformed password", header: authorization("Basic !!!"), want: "refused"},

		{name: "static token", header: authorization("Bearer static-token"), want: "robot [ci builders system:authenticated]"},
		{name: "service account token", header: authorization(account), want: "system:serviceaccount:web:default [system:serviceaccounts system:serviceaccounts:web system:authenticated]"},
		{name: "bootstrap token", header: authorization("Bearer abcdef.0123456789abcdef"), want: "system:bootstrap:abcdef [system:bootstrappers system:authenticated]"},
		{name: "token behind several spaces", header: authorization("bearer      static-token"), want: "robot [ci builders system:authenticated]"},
		{name: "unknown token behind several spaces", header: authorization("Bearer      nonsense"), want: "refused"},
		{name: "spaces alone", header: authorization("Bearer      "), want: "nobody"},
		{name: "unknown token", header: authorization("Bearer nonsense"), want: "refused"},
		{name: "token over a WebSocket", header: websocket("static-token"), want: "robot [ci builders system:authenticated] v4.channel.k8s.io"},
		{name: "unknown token over a WebSocket", header: websocket("nonsense"), want: "refused"},

		{
			name:   "a proxy credential, and a header for the application",
			header: http.Header{"Proxy-Authorization": {basic("alice", "wonderland")}, "Authorization": {"Bearer theirs"}},
			want:   "alice [developers system:authenticated] Bearer theirs",
		},
		{name: "a wrong proxy credential", header: http.Header{"Proxy-Authorization": {"Bearer x"}}, want: "refused"},

		{name: "nothing", want: "nobody"},
		{name: "a scheme that is not ours", header: authorization("Digest x"), want: "nobody"},
		{name: "health without a credential", path: "/readyz", want: "system:anonymous [system:unauthenticated]"},
		{name: "health with a credential", path: "/readyz", header: authorization("Bearer static-token"), want: "robot [ci builders system:authenticated]"},
		{name: "health with a bad credential", path: "/readyz", header: authorization("Bearer nonsense"), want: "refused"},
		{name: "health with a bad password", path: "/livez", header: authorization(basic("alice", "x")), want: "refused"},
		{name: "below health", path: "/readyz/etcd", want: "nobody"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.path == "" {
				tt.path = "/api"
			}
			if tt.header == nil {
				tt.header = http.Header{}
			}
			if got := over(t, a, tt.cert, tt.path, tt.header); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestNothingIsOnUnlessAskedFor(t *testing.T) {
	a := build(t, authn.Config{})
	for header, want := range map[string]string{"": "nobody", basic("alice", "x"): "nobody", "Bearer x": "refused"} {
		if got := over(t, a, nil, "/api", http.Header{"Authorization": {header}}); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
	if a.Challenge() != "" {
		t.Errorf("Challenge() = %q without passwords", a.Challenge())
	}
}

func TestBrowsersAreAsked(t *testing.T) {
	e := newEverything(t)
	if got, want := build(t, e.cfg).Challenge(), `Basic realm="kubernetes-master"`; got != want {
		t.Errorf("Challenge() = %s, want %s", got, want)
	}
	e.cfg.Realm = "ours"
	if got, want := build(t, e.cfg).Challenge(), `Basic realm="ours"`; got != want {
		t.Errorf("Challenge() = %s, want %s", got, want)
	}
}

func TestAnonymousPathsCanBeChosen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	text := "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\nanonymous: {enabled: true, conditions: [{path: /version}]}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	const nobody, anonymous = "nobody", "system:anonymous [system:unauthenticated]"
	for _, tt := range []struct {
		name            string
		cfg             authn.Config
		health, version string
	}{
		{"by default", authn.Config{}, anonymous, nobody},
		{"none", authn.Config{AnonymousPaths: []string{}}, nobody, nobody},
		{"by the file", authn.Config{ConfigurationFile: file}, nobody, anonymous},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := build(t, tt.cfg)
			got := []string{over(t, a, nil, "/livez", http.Header{}), over(t, a, nil, "/version", http.Header{})}
			if diff := cmp.Diff([]string{tt.health, tt.version}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTokenForTokenReview(t *testing.T) {
	e := newEverything(t)
	response, ok, err := build(t, e.cfg).AuthenticateToken(t.Context(), e.account(t))
	if !ok || err != nil {
		t.Fatalf("AuthenticateToken = %v, %v", ok, err)
	}
	want := []string{"system:serviceaccounts", "system:serviceaccounts:web", "system:authenticated"}
	if diff := cmp.Diff(want, response.User.GetGroups()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(e.tokens.Audiences(), response.Audiences); diff != "" {
		t.Error(diff)
	}
}

func TestRevokedTokenIsRefusedWithinTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		e := newEverything(t)
		a, err := authn.New(ctx, e.cfg)
		if err != nil {
			t.Fatal(err)
		}
		token := e.account(t)
		if _, ok, err := a.AuthenticateToken(ctx, token); !ok || err != nil {
			t.Fatalf("before: %v, %v", ok, err)
		}
		if err := e.client.CoreV1().ServiceAccounts("web").Delete(ctx, "default", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*time.Second + time.Millisecond)
		if _, ok, err := a.AuthenticateToken(ctx, token); ok || err == nil {
			t.Errorf("ten seconds after the account was deleted: %v, %v", ok, err)
		}
	})
}

func TestNewStaticTokenCountsWithinSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEverything(t)
		a := build(t, e.cfg)
		if _, ok, _ := a.AuthenticateToken(t.Context(), "new-token"); ok {
			t.Fatal("a token that is not there yet authenticates")
		}
		if err := os.WriteFile(e.cfg.TokensFile, []byte("new-token,robot2,43\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Second)
		for token, want := range map[string]bool{"new-token": true, "static-token": false} {
			if _, ok, _ := a.AuthenticateToken(t.Context(), token); ok != want {
				t.Errorf("%s: %v, want %v", token, ok, want)
			}
		}
	})
}

func TestFilesThatCannotBeUsedStopTheStart(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for name, cfg := range map[string]authn.Config{
		"passwords":     {HtpasswdFile: missing},
		"tokens":        {TokensFile: missing},
		"configuration": {ConfigurationFile: missing},
	} {
		if _, err := authn.New(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("%s: error = %v, want one that names the file", name, err)
		}
	}
}
