package register_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/certs"
	"github.com/causeway-access/causeway/internal/node/register"
	"github.com/causeway-access/causeway/test/testcluster"
)

// bootstrapToken makes a token by which machines may join.
func bootstrapToken(t *testing.T, id string) string {
	t.Helper()
	const secret = "0123456789abcdef"
	secrets := shared.Client.CoreV1().Secrets(metav1.NamespaceSystem)
	_, err := secrets.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "bootstrap-token-" + id}, Type: corev1.SecretTypeBootstrapToken,
		StringData: map[string]string{"token-id": id, "token-secret": secret, "usage-bootstrap-authentication": "true"},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = secrets.Delete(context.WithoutCancel(t.Context()), "bootstrap-token-"+id, metav1.DeleteOptions{})
	})
	return id + "." + secret
}

// whoami is the user that the API server sees.
func whoami(t *testing.T, keys *register.Keys) string {
	t.Helper()
	node, err := testcluster.NewClient(t, keys.REST()).CoreV1().Nodes().Create(t.Context(),
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "not-mine"}}, metav1.CreateOptions{})
	if err == nil {
		t.Errorf("made %s", node.Name)
		return ""
	}
	return err.Error()
}

// approveServing approves requests for serving certificates of the node, as an
// administrator does.
func approveServing(t *testing.T, node string) bool {
	t.Helper()
	requests := shared.Client.CertificatesV1().CertificateSigningRequests()
	list, err := requests.List(t.Context(), metav1.ListOptions{FieldSelector: "spec.signerName=" + certificatesv1.KubeletServingSignerName})
	if err != nil {
		t.Fatal(err)
	}
	for i := range list.Items {
		csr := &list.Items[i]
		if csr.Spec.Username != "system:node:"+node || len(csr.Status.Conditions) > 0 {
			continue
		}
		csr.Status.Conditions = append(csr.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
			Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue, Reason: "Test"})
		if _, err := requests.UpdateApproval(t.Context(), csr.Name, csr, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		return true
	}
	return false
}

func eventually(t *testing.T, what string, good func() bool) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); !good(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestAMachineJoinsByABootstrapToken(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	cfg := register.CredentialsConfig{Name: "joins", Dir: dir, Bootstrap: shared.WithToken(bootstrapToken(t, "joins1")),
		Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.7")}, Hostname: "joins"}
	keys, err := register.Credentials(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got := whoami(t, keys); !strings.Contains(got, "node \"joins\" is not allowed to modify node \"not-mine\"") {
		t.Errorf("the API server says: %s", got)
	}
	if rest := keys.REST(); rest.BearerToken != "" {
		t.Error("the bootstrap token goes on being used")
	}
	if _, err := keys.GetCertificate(nil); err == nil || !strings.Contains(err.Error(), "not been issued yet") {
		t.Errorf("before it is approved: %v", err)
	}
	eventually(t, "a request for the serving certificate", func() bool { return approveServing(t, "joins") })
	var serving *tls.Certificate
	eventually(t, "the serving certificate", func() bool { serving, err = keys.GetCertificate(nil); return err == nil })
	for _, name := range []string{"joins", "192.0.2.7"} {
		if err := serving.Leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if info, err := os.Stat(filepath.Join(dir, entry.Name())); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", entry.Name(), info.Mode(), err)
		}
	}
	// The next agent needs no token.
	cfg.Bootstrap = shared.WithToken("nobody.0123456789abcdef")
	again, err := register.Credentials(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got := whoami(t, again); !strings.Contains(got, `node "joins"`) {
		t.Errorf("the API server says: %s", got)
	}
	if _, err := again.GetCertificate(nil); err != nil {
		t.Errorf("the serving certificate is not found again: %v", err)
	}
}

// plant puts a client certificate where an earlier agent would have left it.
func plant(t *testing.T, authority *certs.Authority, dir string, leaf certs.Leaf) {
	t.Helper()
	cert, key, err := authority.Issue(leaf)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "kubelet-client-earlier.pem")
	if err := os.WriteFile(file, append(cert, key...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, filepath.Join(dir, "kubelet-client-current.pem")); err != nil {
		t.Fatal(err)
	}
}

func leafIn(t *testing.T, dir string) *x509.Certificate {
	t.Helper()
	path := filepath.Join(dir, "kubelet-client-current.pem")
	pair, err := tls.LoadX509KeyPair(path, path)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}

func TestWhatIsOfNoUseIsAskedForAnew(t *testing.T) {
	authority, err := certs.OpenAuthority(filepath.Dir(shared.CAFile))
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := certs.OpenAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	token := bootstrapToken(t, "anew01")
	own := certs.Leaf{CommonName: "system:node:anew", Organizations: []string{"system:nodes"}, Client: true}
	other := own
	other.CommonName = "system:node:other"
	for _, test := range []struct {
		name  string
		plant func(dir string)
		kept  bool
	}{
		{"good", func(dir string) { plant(t, authority, dir, own) }, true},
		{"another cluster's", func(dir string) { plant(t, foreign, dir, own) }, false},
		{"another node's", func(dir string) { plant(t, authority, dir, other) }, false},
		{"damaged", func(dir string) {
			if err := os.WriteFile(filepath.Join(dir, "kubelet-client-current.pem"), []byte("-----BEGIN"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"a link to nothing", func(dir string) {
			if err := os.Symlink("gone.pem", filepath.Join(dir, "kubelet-client-current.pem")); err != nil {
				t.Fatal(err)
			}
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			test.plant(dir)
			var before *x509.Certificate
			if test.kept {
				before = leafIn(t, dir)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if _, err := register.Credentials(ctx, register.CredentialsConfig{Name: "anew", Dir: dir, Bootstrap: shared.WithToken(token)}); err != nil {
				t.Fatal(err)
			}
			after := leafIn(t, dir)
			if after.Subject.CommonName != own.CommonName || test.kept != after.Equal(before) {
				t.Errorf("the certificate is that of %s, kept %v", after.Subject, after.Equal(before))
			}
		})
	}
}

func TestACertificateIsRenewedByItsOwnRight(t *testing.T) {
	authority, err := certs.OpenAuthority(filepath.Dir(shared.CAFile))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	// It began an hour ago, and so has more than nine tenths of its life behind it.
	plant(t, authority, dir, certs.Leaf{CommonName: "system:node:renews", Organizations: []string{"system:nodes"}, Client: true, Validity: 5 * time.Minute})
	before := leafIn(t, dir)
	keys, err := register.Credentials(t.Context(), register.CredentialsConfig{Name: "renews", Dir: dir, Bootstrap: shared.WithToken("wrong0.0123456789abcdef")})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "kubelet-client-current.pem")
	eventually(t, "another certificate", func() bool {
		pair, err := tls.LoadX509KeyPair(path, path)
		return err == nil && !pair.Leaf.Equal(before) // while it is replaced there is none
	})
	if got := whoami(t, keys); !strings.Contains(got, `node "renews"`) {
		t.Errorf("the API server says: %s", got)
	}
	if left := time.Until(leafIn(t, dir).NotAfter); left < time.Hour {
		t.Errorf("it lives %s more", left)
	}
}

func TestCredentialsSayWhyTheyDoNotCome(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := register.Credentials(ctx, register.CredentialsConfig{Name: "never", Dir: t.TempDir(), Bootstrap: shared.WithToken("wrong0.0123456789abcdef")})
	if err == nil || !strings.Contains(err.Error(), "getting the certificates of node never: no client certificate was issued") {
		t.Errorf("got %v", err)
	}
	if _, err := register.Credentials(ctx, register.CredentialsConfig{}); err == nil || !strings.Contains(err.Error(), "are required") {
		t.Errorf("got %v", err)
	}
}
