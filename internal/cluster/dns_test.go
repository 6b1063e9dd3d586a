package cluster

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// What is written to the API resolves, and what is deleted does not.
func TestTheClustersNamesResolve(t *testing.T) {
	dir := shortDir(t)
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Start(ctx, Config{
		DataDir: filepath.Join(dir, "data"), Listen: "127.0.0.1:0", Kubeconfig: filepath.Join(dir, "kubeconfig"), DNSListen: "127.0.0.1:0",
	})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	defer func() {
		cancel()
		if err := c.Wait(); err != nil {
			t.Errorf("the cluster ended with %v", err)
		}
	}()
	client, server := clientOf(t, c), c.Info().DNS
	kubernetes, err := client.CoreV1().Services("default").Get(ctx, "kubernetes", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	resolves(t, server, "kubernetes.default.svc.cluster.local.", kubernetes.Spec.ClusterIP)
	resolves(t, server, "kube-dns.kube-system.svc.cluster.local.", "10.96.0.10")

	_, err = client.CoreV1().Services("default").Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "db"},
		Spec:       corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Ports: []corev1.ServicePort{{Name: "sql", Port: 5432}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.DiscoveryV1().EndpointSlices("default").Create(ctx, &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: "db-1", Labels: map[string]string{discoveryv1.LabelServiceName: "db"}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{"10.244.3.4"}, Hostname: ptr.To("first")}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	resolves(t, server, "first.db.default.svc.cluster.local.", "10.244.3.4")
	resolves(t, server, "db.default.svc.cluster.local.", "10.244.3.4")
	if err := client.DiscoveryV1().EndpointSlices("default").Delete(ctx, "db-1", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	resolves(t, server, "db.default.svc.cluster.local.")
}

// resolves waits until a name has these addresses, by a client that asks for no
// more, and by the resolver that programs in Go have.
func resolves(t *testing.T, server, name string, want ...string) {
	t.Helper()
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server)
	}}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		bare, bareErr := bareLookup(ctx, server, name)
		hosts, err := resolver.LookupHost(ctx, name)
		var missing *net.DNSError
		if errors.As(err, &missing) && missing.IsNotFound {
			err = nil
		}
		if bareErr == nil && err == nil && slices.Equal(bare, want) && slices.Equal(hosts, want) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s (%v, %v): (-want +got):\n%s\n%s", name, bareErr, err, cmp.Diff(want, bare), cmp.Diff(want, hosts))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func bareLookup(ctx context.Context, server, name string) ([]string, error) {
	client := dns.Client{Timeout: time.Minute}
	reply, _, err := client.ExchangeContext(ctx, new(dns.Msg).SetQuestion(name, dns.TypeA), server)
	if err != nil {
		return nil, err
	}
	var addrs []string
	for _, r := range reply.Answer {
		if a, ok := r.(*dns.A); ok {
			addrs = append(addrs, a.A.String())
		}
	}
	return addrs, nil
}
