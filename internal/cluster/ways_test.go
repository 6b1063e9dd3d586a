package cluster

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"

	"github.com/causeway-access/causeway/internal/certs"
	"github.com/causeway-access/causeway/internal/route"
	"github.com/causeway-access/causeway/internal/tunnel"
)

// farNode is a node whose addresses nobody can reach: what its agent and its
// pod say is served by this test, at the other end of the node's tunnel.
const farNode, farPod = "far", "10.244.77.5"

// farAway makes the objects of that node and of its pod.
func farAway(t *testing.T, client kubernetes.Interface) {
	t.Helper()
	node, err := client.CoreV1().Nodes().Create(t.Context(), &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: farNode}, Spec: corev1.NodeSpec{PodCIDR: "10.244.77.0/24", PodCIDRs: []string{"10.244.77.0/24"}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	status := corev1.NodeStatus{
		Addresses:       []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: farNode}},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: 10250}},
		Conditions: []corev1.NodeCondition{
			{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastHeartbeatTime: metav1.Now()},
			{Type: tunnel.Condition, Status: corev1.ConditionTrue},
		},
	}
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error { // controllers write to it too
		node.Status = status
		if _, err := client.CoreV1().Nodes().UpdateStatus(t.Context(), node, metav1.UpdateOptions{}); err != nil {
			node, _ = client.CoreV1().Nodes().Get(t.Context(), farNode, metav1.GetOptions{})
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	pod, err := client.CoreV1().Pods("default").Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       corev1.PodSpec{NodeName: farNode, Containers: []corev1.Container{{Name: "web", Image: "host"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIP: farPod, PodIPs: []corev1.PodIP{{IP: farPod}}}
	if _, err := client.CoreV1().Pods("default").UpdateStatus(t.Context(), pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// says serves what it was asked for.
func says(who string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%s: %s", who, r.URL.Path) })
}

// tlsOf is what a node shows, with a certificate of the cluster's authority.
func tlsOf(t *testing.T, c *Cluster, leaf certs.Leaf) *tls.Config {
	t.Helper()
	certificate, key, err := c.authority.Issue(leaf)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{RootCAs: c.authority.Pool(), Certificates: []tls.Certificate{pair}, ServerName: "127.0.0.1"}
}

// openTunnel is the node's end, until the end of the test.
func openTunnel(t *testing.T, c *Cluster, open func(address string) (string, error)) {
	t.Helper()
	shows := tlsOf(t, c, certs.Leaf{CommonName: "system:node:" + farNode, Organizations: []string{"system:nodes"}, Client: true})
	client, err := tunnel.NewClient(tunnel.Config{
		Server: c.at.local.String(), TLS: func() (*tls.Config, error) { return shows, nil },
		Open: func(ctx context.Context, network, address string) (net.Conn, error) {
			at, err := open(address)
			if err != nil {
				return nil, err
			}
			return (&net.Dialer{}).DialContext(ctx, network, at)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- client.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-client.Opened():
	case <-time.After(time.Minute):
		t.Fatal("the tunnel is not open after a minute")
	}
}

func TestWhatCannotBeReachedByItsAddressIsReachedThroughTheNodesTunnel(t *testing.T) {
	c, stop := start(t, shortDir(t))
	defer stop()
	client := clientOf(t, c)
	farAway(t, client)
	pod := httptest.NewServer(says("pod"))
	defer pod.Close()
	agent := httptest.NewUnstartedServer(says("agent"))
	agent.TLS = tlsOf(t, c, certs.Leaf{CommonName: "system:node:" + farNode, DNSNames: []string{farNode}, Server: true})
	agent.StartTLS()
	defer agent.Close()
	openTunnel(t, c, func(address string) (string, error) {
		switch address {
		case farPod + ":8080":
			return pod.Listener.Addr().String(), nil
		case farNode + ":10250":
			return agent.Listener.Addr().String(), nil
		}
		return "", &tunnel.Refusal{Why: "nobody may reach " + address}
	})
	for _, tt := range []struct{ path, want, failure string }{
		{path: "/api/v1/namespaces/default/pods/web:8080/proxy/hello", want: "pod: /hello"},
		{path: "/api/v1/nodes/far/proxy/stats/summary", want: "agent: /stats/summary"},
		{path: "/api/v1/namespaces/default/pods/web/log", want: "agent: /containerLogs/default/web/web"},
		{path: "/api/v1/nodes/far:22/proxy/", failure: "nobody may reach far:22"},
	} {
		var got []byte
		var err error
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) { // until watches have told of the objects
			got, err = client.CoreV1().RESTClient().Get().AbsPath(tt.path).DoRaw(t.Context())
			if string(got) == tt.want || tt.failure != "" && strings.Contains(string(got), tt.failure) || time.Now().After(deadline) {
				break
			}
		}
		if (err != nil) != (tt.failure != "") || tt.failure == "" && string(got) != tt.want || !strings.Contains(string(got), tt.failure) {
			t.Errorf("%s: %q, %v", tt.path, got, err)
		}
	}
}

func TestOtherWaysAreTold(t *testing.T) {
	w := newWays(nil)
	var moved []string
	w.onMove(func(is func(route.Endpoint) bool) {
		for _, address := range []string{"10.244.1.5:80", "10.244.2.5:80", "10.244.3.5:80"} {
			if is(route.Endpoint{Addr: netip.MustParseAddrPort(address)}) {
				moved = append(moved, address)
			}
		}
	})
	for _, step := range []struct {
		name      string
		tunnelled corev1.ConditionStatus
		pods      string
		want      []string
	}{
		{"it is there", corev1.ConditionFalse, "10.244.1.0/24", nil},
		{"it goes behind a tunnel", corev1.ConditionTrue, "10.244.1.0/24", []string{"10.244.1.5:80"}},
		{"it says so again", corev1.ConditionTrue, "10.244.1.0/24", nil},
		{"it gets another range", corev1.ConditionTrue, "10.244.2.0/24", []string{"10.244.1.5:80", "10.244.2.5:80"}},
		{"it comes out", corev1.ConditionFalse, "10.244.2.0/24", []string{"10.244.2.5:80"}},
	} {
		moved = nil
		w.nodes.Set(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: farNode}, Spec: corev1.NodeSpec{PodCIDRs: []string{step.pods}},
			Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: tunnel.Condition, Status: step.tunnelled}}}})
		if d := cmp.Diff(step.want, moved); d != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, d)
		}
	}
}

func TestOnlyNodesOpenTunnels(t *testing.T) {
	c, stop := start(t, shortDir(t))
	defer stop()
	for name, tt := range map[string]struct {
		leaf certs.Leaf
		want int
	}{
		"an administrator": {certs.Leaf{CommonName: "admin", Organizations: []string{"system:masters"}, Client: true}, http.StatusForbidden},
		"somebody":         {certs.Leaf{CommonName: "system:node:" + farNode, Client: true}, http.StatusForbidden},
		"a node":           {certs.Leaf{CommonName: "system:node:" + farNode, Organizations: []string{"system:nodes"}, Client: true}, http.StatusSwitchingProtocols},
	} {
		for path, protocol := range map[string]string{tunnel.Path: "causeway-tunnel/1", tunnel.PodsPath: "causeway-pods/1"} {
			if got, err := upgrades(t, c, tt.leaf, path, protocol); err != nil || got != fmt.Sprint("HTTP/1.1 ", tt.want) {
				t.Errorf("%s, %s: %q, %v; want %d", name, path, got, err, tt.want)
			}
		}
	}
}

// upgrades returns what an answer begins with.
func upgrades(t *testing.T, c *Cluster, leaf certs.Leaf, path, protocol string) (string, error) {
	t.Helper()
	raw, err := tls.Dial("tcp", c.at.local.String(), tlsOf(t, c, leaf))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(time.Minute))
	_, err = io.WriteString(raw, "GET "+path+" HTTP/1.1\r\nHost: api\r\nConnection: Upgrade\r\nUpgrade: "+protocol+"\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 12)
	_, err = io.ReadFull(raw, head)
	return string(head), err
}
