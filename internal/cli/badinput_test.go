package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/causeway-access/causeway/test/refusing"
)

// stranger serves with a certificate that signs itself, changed as a test likes.
func stranger(t *testing.T, change func(*x509.Certificate), answer http.HandlerFunc) (address string, certificate []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a-stranger"},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"api.example"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(answer)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// writeContext writes a kubeconfig with one context.
func writeContext(t *testing.T, server string, ca []byte, user api.AuthInfo) string {
	t.Helper()
	c := api.NewConfig()
	c.Clusters["c"] = &api.Cluster{Server: server, CertificateAuthorityData: ca}
	c.AuthInfos["u"] = &user
	c.Contexts["x"] = &api.Context{Cluster: "c", AuthInfo: "u"}
	c.CurrentContext = "x"
	path := filepath.Join(t.TempDir(), "config")
	if err := clientcmd.WriteToFile(*c, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// fails runs a command and wants it to fail with the texts in its error.
func fails(t *testing.T, wants []string, args ...string) {
	t.Helper()
	status, _, stderr := try(args...)
	if status != 1 || !strings.HasPrefix(stderr, "error: ") {
		t.Errorf("%v: status %d, %q; want 1 and an error", args, status, stderr)
	}
	for _, want := range wants {
		if !strings.Contains(stderr, want) {
			t.Errorf("%v: the error does not say %q:\n%s", args, want, stderr)
		}
	}
}

func unauthorized(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Unauthorized","message":"Unauthorized","code":401}`)
}

func TestCertificatesThatAreNotGood(t *testing.T) {
	as := func(*x509.Certificate) {}
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	other, otherCA := stranger(t, as, unauthorized)
	for _, test := range []struct {
		name   string
		change func(*x509.Certificate)
		ca     []byte // nil is the server's own
		info   []string
		login  []string
	}{
		{"of an unknown authority", as, otherCA,
			[]string{"unknown authority", "a-stranger, valid until", "SHA-256 ", "causeway login https://127.0.0.1:"},
			[]string{"its authority is not known here", "a-stranger, valid until", "give it with --fingerprint"}},
		{"expired", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }, nil,
			[]string{"expired", "the certificate of a-stranger is valid from", "have it renewed, or set the clock"},
			[]string{"the certificate of a-stranger is valid from", "have it renewed, or set the clock"}},
		{"for another host", func(c *x509.Certificate) { c.IPAddresses = nil }, nil,
			[]string{"certificate is for api.example, not for 127.0.0.1", "--tls-server-name"},
			[]string{"certificate is for api.example, not for 127.0.0.1", "--tls-server-name"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, ca := stranger(t, test.change, unauthorized)
			if test.ca != nil {
				ca = test.ca
			}
			config := writeContext(t, server, ca, api.AuthInfo{Token: "t"})
			fails(t, test.info, "cluster-info", "--kubeconfig", config)
			fails(t, test.info, "cluster-info", "dump", "--kubeconfig", config)
			before, err := os.ReadFile(config)
			if err != nil {
				t.Fatal(err)
			}
			fails(t, test.login, "login", server, "--token-file", token, "--kubeconfig", config)
			if after, err := os.ReadFile(config); err != nil || string(after) != string(before) {
				t.Errorf("a login that failed changed the kubeconfig (%v)", err)
			}
		})
	}
	// The same server with the right authority is verified, and refuses.
	config := writeContext(t, other, otherCA, api.AuthInfo{Token: "t"})
	fails(t, []string{"Unauthorized", "causeway login"}, "cluster-info", "--kubeconfig", config)
	fails(t, []string{"the server does not know this token; nothing was written"}, "login", other, "--token-file", token, "--kubeconfig", config)
}

func TestServersThatCannotBeReached(t *testing.T) {
	closed := refusing.Address(t, "127.0.0.1").String()
	config := writeContext(t, "https://"+closed, nil, api.AuthInfo{Token: "t"})
	fails(t, []string{"connection refused", "Nothing listens at " + closed}, "cluster-info", "--kubeconfig", config)
	certificate := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(certificate, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	fails(t, []string{"log in to https://" + closed, "connection refused"}, "login", closed, "--token-file", certificate, "--kubeconfig", config)
}

func TestPluginsThatAreDead(t *testing.T) {
	server, ca := stranger(t, func(*x509.Certificate) {}, unauthorized)
	for command, want := range map[string]string{
		"no-such-plugin": "executable no-such-plugin not found",
		"false":          "failed with exit code 1",
		"true":           "exec plugin is configured to use API version",
	} {
		plugin := &api.ExecConfig{Command: command, APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: api.NeverExecInteractiveMode, InstallHint: "ask Ann for it"}
		config := writeContext(t, server, ca, api.AuthInfo{Exec: plugin})
		fails(t, []string{want, "run it by hand to see why it fails"}, "cluster-info", "--kubeconfig", config)
	}
}

func TestKubeconfigsThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	damaged, missing := filepath.Join(dir, "damaged"), filepath.Join(dir, "missing")
	if err := os.WriteFile(damaged, []byte("clusters:\n- name: a\n  cluster: 5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"cluster-info", "cluster-info dump", "proxy --port=0", "login https://127.0.0.1 --token-file x", "logout"} {
		args := strings.Fields(command)
		fails(t, []string{"read kubeconfig " + damaged + ": line 3: json: cannot unmarshal number", "repair the file, or name another one"}, append(args, "--kubeconfig", damaged)...)
	}
	fails(t, []string{"there is no file " + missing}, "cluster-info", "--kubeconfig", missing)
	fails(t, []string{"is a directory"}, "cluster-info", "--kubeconfig", dir)
	if os.Geteuid() != 0 { // root may read everything
		if err := os.Chmod(damaged, 0); err != nil {
			t.Fatal(err)
		}
		fails(t, []string{damaged, "permission denied", "name another one with --kubeconfig"}, "cluster-info", "--kubeconfig", damaged)
	}
}

// A thousand contexts are listed, completed, searched and changed right.
func TestAThousandContexts(t *testing.T) {
	server, ca := stranger(t, func(*x509.Certificate) {}, unauthorized)
	c := api.NewConfig()
	for i := range 1000 {
		name := fmt.Sprintf("c%04d", i)
		c.Clusters[name] = &api.Cluster{Server: "https://192.0.2.1", CertificateAuthorityData: ca}
		c.AuthInfos[name] = &api.AuthInfo{Token: name}
		c.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name}
	}
	c.Clusters["c0700"].Server, c.CurrentContext = server, "c0001"
	path := filepath.Join(t.TempDir(), "config")
	if err := clientcmd.WriteToFile(*c, path); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	lap := func(what string) {
		t.Logf("%-14s %v", what, time.Since(begun).Round(time.Millisecond))
		begun = time.Now()
	}

	if _, stdout, stderr := try("config", "get-contexts", "-o", "name", "--kubeconfig", path); strings.Count(stdout, "\n") != 1000 {
		t.Errorf("get-contexts lists %d (%s)", strings.Count(stdout, "\n"), stderr)
	}
	lap("get-contexts")
	if _, stdout, _ := try("__complete", "cluster-info", "--kubeconfig", path, "--context", ""); strings.Count(stdout, "\nc0") != 999 {
		t.Errorf("completion offers %d", strings.Count(stdout, "\nc0"))
	}
	lap("completion")
	fails(t, []string{"Unauthorized"}, "cluster-info", "--kubeconfig", path, "--context", "c0700")
	lap("cluster-info")
	if status, _, stderr := try("logout", "c0500", "--kubeconfig", path); status != 0 {
		t.Error(stderr)
	}
	lap("logout")
	left, err := clientcmd.LoadFromFile(path)
	if err != nil || len(left.Contexts) != 999 || len(left.Clusters) != 999 || len(left.AuthInfos) != 999 || left.CurrentContext != "c0001" {
		t.Errorf("left: %d contexts, current %q (%v)", len(left.Contexts), left.CurrentContext, err)
	}
}
