package certificates_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"

	"github.com/causeway-access/causeway/internal/cluster"
	"github.com/causeway-access/causeway/test/testcluster"
)

// joining is a cluster with two nodes, of which n1 asks for certificates.
type joining struct{ *testcluster.Cluster }

func newJoining(t *testing.T) joining {
	t.Helper()
	j := joining{testcluster.New(t, cluster.Config{})}
	j.node(t, "n1", corev1.ConditionTrue, "192.0.2.1", "192.0.2.99", "10.96.0.77", "10.244.3.3", "127.0.0.1", "169.254.1.1", "198.51.100.7")
	j.node(t, "n2", corev1.ConditionTrue, "192.0.2.2", "192.0.2.99")
	j.node(t, "silent", corev1.ConditionUnknown)
	j.node(t, "kubernetes.default", corev1.ConditionTrue)
	j.node(t, "localhost", corev1.ConditionTrue)
	// Another API server of the cluster.
	_, err := j.Client.DiscoveryV1().EndpointSlices("default").Create(t.Context(), &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: "another", Labels: map[string]string{discoveryv1.LabelServiceName: "kubernetes"}},
		AddressType: discoveryv1.AddressTypeIPv4, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"198.51.100.7"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// node makes a node that says of itself what is given.
func (j joining) node(t *testing.T, name string, ready corev1.ConditionStatus, addresses ...string) {
	t.Helper()
	nodes := j.Client.CoreV1().Nodes()
	if _, err := nodes.Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error { // controllers write to it too
		node, err := nodes.Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		now := metav1.Now()
		node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready, LastHeartbeatTime: now, LastTransitionTime: now}}
		for _, address := range addresses {
			node.Status.Addresses = append(node.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: address})
		}
		_, err = nodes.UpdateStatus(t.Context(), node, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// wish is a request for a certificate.
type wish struct {
	as     kubernetes.Interface
	signer string
	x509.CertificateRequest
	usages []certificatesv1.KeyUsage
}

// ask makes the request and returns what becomes of it: "approved", or the
// reason that an event gives.
func (j joining) ask(t *testing.T, w wish) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &w.CertificateRequest, key)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := w.as.CertificatesV1().CertificateSigningRequests().Create(t.Context(), &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "csr-"},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			SignerName: w.signer, Usages: w.usages, Request: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return j.becomes(t, csr.Name)
}

func (j joining) becomes(t *testing.T, name string) string {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		csr, err := j.Client.CertificatesV1().CertificateSigningRequests().Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(csr.Status.Conditions) > 0 {
			return strings.ToLower(string(csr.Status.Conditions[0].Type))
		}
		events, err := j.Client.CoreV1().Events("").List(t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=" + name})
		if err != nil {
			t.Fatal(err)
		}
		if len(events.Items) > 0 {
			return events.Items[0].Message
		}
	}
	t.Fatalf("nothing became of request %s", name)
	return ""
}

func subject(node string) pkix.Name {
	return pkix.Name{CommonName: "system:node:" + node, Organization: []string{"system:nodes"}}
}

func TestMachinesJoin(t *testing.T) {
	j := newJoining(t)
	t.Run("a bootstrap token does not become a living node", j.testBootstrapToken)
	t.Run("a request is approved when the node has said where it is", j.testLateNode)
	t.Run("serving certificates are for the node alone", j.testServing)
}

func (j joining) testServing(t *testing.T) {
	usages := []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth}
	ips := func(all ...string) func(*wish) {
		return func(w *wish) {
			w.DNSNames, w.IPAddresses = nil, nil
			for _, ip := range all {
				w.IPAddresses = append(w.IPAddresses, net.ParseIP(ip))
			}
		}
	}
	names := func(all ...string) func(*wish) {
		return func(w *wish) { w.DNSNames, w.IPAddresses = all, nil }
	}
	by := func(user string, groups ...string) func(*wish) {
		return func(w *wish) { w.as = j.As(t, user, append(groups, "system:authenticated")...) }
	}
	named := func(node string) func(*wish) {
		return func(w *wish) {
			by("system:node:"+node, "system:nodes")(w)
			w.Subject, w.DNSNames, w.IPAddresses = subject(node), []string{node}, nil
		}
	}
	for _, test := range []struct {
		name   string
		change func(*wish)
		want   string
	}{
		{"its name and address", func(*wish) {}, "approved"},
		{"its address alone", ips("192.0.2.1"), "approved"},
		{"key encipherment too", func(w *wish) { w.usages = append(usages, certificatesv1.UsageKeyEncipherment) }, "approved"},

		{"a client's usage", func(w *wish) { w.usages = append(usages, certificatesv1.UsageClientAuth) }, "usages"},
		{"a signer's usage", func(w *wish) { w.usages = append(usages, certificatesv1.UsageCertSign) }, "usages"},
		{"not a server's usage", func(w *wish) { w.usages = usages[:1] }, "usages"},
		{"another node asks", by("system:node:n2", "system:nodes"), "it is for system:node:n1 and comes from system:node:n2"},
		{"a token with a node's name asks", by("system:node:n1", "system:bootstrappers"), "is not a node"},
		{"an administrator asks", by("admin", "system:masters"), "is not a node"},
		{"one more group", func(w *wish) { w.Subject.Organization = append(w.Subject.Organization, "system:masters") }, "organization"},
		{"no group", func(w *wish) { w.Subject.Organization = nil }, "organization"},

		{"no names", ips(), "neither a DNS name nor an IP address"},
		{"a mail address", func(w *wish) { w.EmailAddresses = []string{"a@example.com"} }, "neither DNS names nor IP addresses"},
		{"a URI", func(w *wish) { w.URIs = []*url.URL{{Scheme: "spiffe", Host: "n1"}} }, "neither DNS names nor IP addresses"},
		{"another node's name", names("n2"), "not the name of the node"},
		{"the API server's name", names("n1", "kubernetes.default.svc"), "not the name of the node"},
		{"a wildcard", names("*.example.com"), "not the name of the node"},
		{"a node named like the API server", named("kubernetes.default"), "is that of a service"},
		{"a node named like the machine", named("localhost"), "is that of a service"},

		{"another node's address", ips("192.0.2.2"), "not in the node's status"},
		{"an address of two nodes", ips("192.0.2.1", "192.0.2.99"), "is that of node n2 too"},
		{"an address of nobody", ips("203.0.113.9"), "not in the node's status"},
		{"the API server's service", ips("10.96.0.1"), "is that of a service or a pod"},
		{"a service's address", ips("10.96.0.77"), "is that of a service or a pod"},
		{"a service's address, mapped", ips("::ffff:10.96.0.77"), "is that of a service or a pod"},
		{"a pod's address", ips("10.244.3.3"), "is that of a service or a pod"},
		{"loopback", ips("127.0.0.1"), "not one by which other machines reach the node"},
		{"IPv6 loopback", ips("::1"), "not one by which other machines reach the node"},
		{"unspecified", ips("0.0.0.0"), "not one by which other machines reach the node"},
		{"link-local, of metadata services", ips("169.254.1.1"), "not one by which other machines reach the node"},
		{"another API server's address", ips("198.51.100.7"), "is that of an API server"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := wish{signer: certificatesv1.KubeletServingSignerName, usages: usages}
			w.Subject, w.DNSNames, w.IPAddresses = subject("n1"), []string{"n1"}, []net.IP{net.ParseIP("192.0.2.1")}
			by("system:node:n1", "system:nodes")(&w)
			test.change(&w)
			if got := j.ask(t, w); !strings.Contains(got, test.want) {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func (j joining) testBootstrapToken(t *testing.T) {
	const id, secret = "joins0", "0123456789abcdef"
	_, err := j.Client.CoreV1().Secrets(metav1.NamespaceSystem).Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "bootstrap-token-" + id}, Type: corev1.SecretTypeBootstrapToken,
		StringData: map[string]string{"token-id": id, "token-secret": secret, "usage-bootstrap-authentication": "true"},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	token := testcluster.NewClient(t, j.WithToken(id+"."+secret))
	ask := func(node string) string {
		w := wish{as: token, signer: certificatesv1.KubeAPIServerClientKubeletSignerName, usages: client}
		w.Subject = subject(node)
		return j.ask(t, w)
	}
	j.node(t, "living", corev1.ConditionTrue) // for the next 40 s, unless it says more
	for _, test := range []struct{ node, want string }{
		{"living", "node living is there and lives"}, {"silent", "approved"}, {"new", "approved"},
	} {
		if got := ask(test.node); !strings.Contains(got, test.want) {
			t.Errorf("for node %s: %s, want %s", test.node, got, test.want)
		}
	}
	for what, err := range mayNot(t.Context(), token) {
		if err == nil || !strings.Contains(err.Error(), "forbidden") {
			t.Errorf("a bootstrap token may %s: %v", what, err)
		}
	}
}

// mayNot is what bootstrap tokens must not be good for, and what comes of it.
func mayNot(ctx context.Context, c kubernetes.Interface) map[string]error {
	core := c.CoreV1()
	got := map[string]error{}
	_, got["read secrets"] = core.Secrets(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{})
	_, got["read nodes"] = core.Nodes().List(ctx, metav1.ListOptions{})
	_, got["make a node"] = core.Nodes().Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "x"}}, metav1.CreateOptions{})
	_, got["read pods"] = core.Pods("default").List(ctx, metav1.ListOptions{})
	_, got["approve"] = c.CertificatesV1().CertificateSigningRequests().UpdateApproval(ctx, "x",
		&certificatesv1.CertificateSigningRequest{ObjectMeta: metav1.ObjectMeta{Name: "x"}}, metav1.UpdateOptions{})
	return got
}

func (j joining) testLateNode(t *testing.T) {
	w := wish{as: j.As(t, "system:node:late", "system:nodes", "system:authenticated"), signer: certificatesv1.KubeletServingSignerName,
		usages: []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth}}
	w.Subject, w.DNSNames, w.IPAddresses = subject("late"), []string{"late"}, []net.IP{net.ParseIP("192.0.2.3")}
	if got := j.ask(t, w); !strings.Contains(got, "there is no node late yet") {
		t.Fatalf("before there is the node: %s", got)
	}
	list, err := j.Client.CertificatesV1().CertificateSigningRequests().List(t.Context(), metav1.ListOptions{
		FieldSelector: "spec.signerName=" + certificatesv1.KubeletServingSignerName})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%d requests, %v", len(list.Items), err)
	}
	j.node(t, "late", corev1.ConditionTrue, "192.0.2.3")
	for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		csr, err := j.Client.CertificatesV1().CertificateSigningRequests().Get(t.Context(), list.Items[0].Name, metav1.GetOptions{})
		if err == nil && len(csr.Status.Certificate) > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("never signed: %v, %v", csr.Status, err)
		}
	}
}
