package accesstest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/causeway-access/causeway/internal/catalog"
	"github.com/causeway-access/causeway/internal/certs"
	"github.com/causeway-access/causeway/internal/gateway"
)

// forbidden are addresses that nobody may have dialled by writing them into an
// object: what this machine alone reaches, and what stands for it.
var forbidden = map[string]string{
	"metadata": "169.254.169.254", "link-local": "169.254.1.1", "link-local-v6": "fe80::1", "metadata-v6": "fd00:ec2::254",
	"metadata-mapped": "::ffff:169.254.169.254", "metadata-nat64": "64:ff9b::a9fe:a9fe",
	"unspecified": "0.0.0.0", "unspecified-v6": "::", "this-network": "0.1.2.3", "multicast": "224.0.0.1", "multicast-v6": "ff02::1", "broadcast": "255.255.255.255",
	"loopback": "127.0.0.1", "loopback-other": "127.9.9.9", "loopback-v6": "::1", "loopback-mapped": "::ffff:127.0.0.1",
}

// addresses holds the engine to the list of addresses that may be dialled. Its
// dialler sees all addresses that are, and reaches none.
func addresses(t *testing.T, start Engine) {
	var objects []runtime.Object
	for name, ip := range forbidden {
		addr := netip.AddrPortFrom(netip.MustParseAddr(ip), 80)
		objects = append(objects, service("default", name, addr)...)
		objects = append(objects, pod(name, ip), node(name, 0, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: ip}))
	}
	objects = append(objects, node("named", 0, corev1.NodeAddress{Type: corev1.NodeHostName, Address: "localhost"}))
	var dialled log[string]
	w := newWorld(t, start, func(c *gateway.Config) {
		c.AllowedCIDRs = nil
		c.NodeTLS = func() *tls.Config { return &tls.Config{} }
		c.Dial = func(_ context.Context, _, address string) (net.Conn, error) {
			dialled.add(address)
			return nil, errors.New("this test dials nothing")
		}
	}, objects...)
	var rows []row
	deny := func(words, target string) {
		for _, headers := range [][]string{nil, {"Connection", "Upgrade", "Upgrade", "websocket"}} {
			r := row{section: "1", words: words + " -> 400", test: func(t *testing.T, c *client) {
				c.get(t, target, headers...).status(t, 400, "address not allowed")
				if all := dialled.take(); len(all) > 0 {
					t.Errorf("%q was dialled", all)
				}
			}}
			if headers != nil {
				r.words, r.only = words+", upgrade -> 400", http1
			}
			rows = append(rows, r)
		}
	}
	for name := range forbidden {
		deny("denied: "+name+" of a service", proxied("services", name)+"/")
		deny("denied: "+name+" of a pod", proxied("pods", name+":8080")+"/")
		deny("denied: "+name+" of a node's kubelet", proxied("nodes", name)+"/pods")
		deny("denied: "+name+" of a node, another port", proxied("nodes", name+":8080")+"/")
		deny("denied: "+name+" of a node, another port, https", proxied("nodes", "https:"+name+":8080")+"/")
	}
	deny("denied: a node's name that stands for loopback", proxied("nodes", "named:8080")+"/")
	deny("denied: a node's name that stands for loopback, kubelet", proxied("nodes", "named")+"/pods")
	w.run(t, rows)
	t.Run("allowed", func(t *testing.T) { allowed(t, start) })
}

// allowed holds the engine to what lifts a denial, and what does not.
func allowed(t *testing.T, start Engine) {
	var dialled log[string]
	var own netip.AddrPort
	s := newScript(t)
	objects := append(service("default", "outside", netip.MustParseAddrPort("10.1.2.3:80")), node("named", 0, corev1.NodeAddress{Type: corev1.NodeHostName, Address: "localhost"}))
	objects = append(objects, pod("here", "127.0.0.1", containerPort("http", s.addr)))
	objects = append(objects, pod("metadata", "169.254.169.254"))
	w := newWorld(t, start, func(c *gateway.Config) {
		own = c.Own[0]
		c.Own = []netip.AddrPort{netip.AddrPortFrom(netip.IPv4Unspecified(), own.Port())}
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			dialled.add(address)
			if !strings.HasPrefix(address, "127.") && !strings.HasPrefix(address, "[::1]") {
				return nil, errors.New("not from a test")
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}
	}, objects...)
	port := portOf(own)
	w.run(t, []row{
		leads("loopback if the operator's allow-list has it", proxied("pods", "here"), "http"),
		refused("1", "the allow-list lifts no other denial", proxied("pods", "metadata")+"/", 400, "address not allowed"),
		refused("1", "the gateway's own listener, as a pod, though loopback is allowed", proxied("pods", "https:here:"+port)+"/", 400, "address not allowed"),
		refused("1", "the gateway's own listener, as a node", proxied("nodes", "https:named:"+port)+"/", 400, "address not allowed"),
		{section: "1", words: "resolve once, check, dial the checked address (no second look-up)", test: func(t *testing.T, c *client) {
			dialled.take()
			c.get(t, proxied("nodes", "named:"+portOf(s.addr))+"/x")
			for _, address := range dialled.take() {
				if ap, err := netip.ParseAddrPort(address); err != nil || !ap.Addr().IsLoopback() {
					t.Errorf("%q was dialled, which somebody has to look up once more", address)
				}
			}
		}},
		{section: "1", words: "backend redirects are never followed", test: func(t *testing.T, c *client) {
			metadata := "http://169.254.169.254/latest/meta-data/"
			dialled.take()
			for _, status := range []string{"301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"} {
				target := c.script.says("HTTP/1.1 " + status + "\r\nLocation: " + metadata + "\r\nContent-Length: 0\r\n\r\n")
				if got := c.get(t, target); strconv.Itoa(got.code) != status[:3] || got.location() != metadata {
					t.Errorf("%s: got %d to %q", status, got.code, got.location())
				}
			}
			for _, address := range dialled.take() {
				if address != c.script.addr.String() {
					t.Errorf("%q was dialled", address)
				}
			}
		}},
	})
}

// backendTLS holds the engine to the verification of backends, and to who it
// shows itself to.
func backendTLS(t *testing.T, start Engine) {
	others, err := certs.OpenAuthority(t.TempDir())
	must(t, err)
	issue := func(a *certs.Authority, l certs.Leaf) tls.Certificate {
		certPEM, keyPEM, err := a.Issue(l)
		must(t, err)
		pair, err := tls.X509KeyPair(certPEM, keyPEM)
		must(t, err)
		return pair
	}
	good := newSecure(t, &tls.Config{Certificates: []tls.Certificate{issue(others, certs.Leaf{CommonName: "backend", Server: true, DNSNames: []string{"right.default.svc", "other.test"}, IPs: []net.IP{{127, 0, 0, 1}}})}})
	worthless := newSecure(t, nil)
	annotated := func(name string, values map[string]string) []runtime.Object {
		return changed(func(s *corev1.Service) { s.Annotations = values }, name, good)
	}
	objects := annotated("right", map[string]string{catalog.AnnotationCA: "configmap/trust/ca"})
	objects = append(objects, annotated("named", map[string]string{catalog.AnnotationCA: "secret/trust/ca", catalog.AnnotationServerName: "other.test"})...)
	objects = append(objects, annotated("misnamed", map[string]string{catalog.AnnotationCA: "configmap/trust/ca"})...)
	objects = append(objects, annotated("unreadable", map[string]string{catalog.AnnotationCA: "configmap/absent/ca"})...)
	objects = append(objects, service("default", "plain", worthless)...)
	objects = append(objects, pod("plain", "127.0.0.1", containerPort("tls", worthless)))
	objects = append(objects, node("good", good.Port(), inner), node("impostor", worthless.Port(), inner))
	w := newWorld(t, start, func(c *gateway.Config) {
		pair := issue(others, certs.Leaf{CommonName: "the-gateway", Client: true})
		c.NodeTLS = func() *tls.Config {
			return &tls.Config{RootCAs: others.Pool(), Certificates: []tls.Certificate{pair}}
		}
		c.BackendCA = func(_ context.Context, name string) (*x509.CertPool, error) {
			if strings.HasSuffix(name, "/trust/ca") && strings.HasPrefix(name, "default/") {
				return others.Pool(), nil
			}
			return nil, errors.New("no such object")
		}
	}, objects...)
	w.run(t, trustRows())
}

func trustRows() []row {
	svc := func(name string) string { return proxied("services", "https:"+name+":http") }
	fails := func(words, target, why string) row {
		return row{section: "1", words: words, test: func(t *testing.T, c *client) {
			if got := c.get(t, target); got.code != 503 || !strings.Contains(got.body, why) {
				t.Errorf("got %d %q, want 503 that says %q", got.code, got.body, why)
			}
		}}
	}
	return []row{
		leads("services are not verified by default", svc("plain"), "https"),
		leads("pods are not verified by default", proxied("pods", "https:plain:"), "https"),
		leads("better: verified by annotation", svc("right"), "https"),
		leads("better: verified by annotation, server name given", svc("named"), "https"),
		fails("better: verified by annotation, wrong name", svc("misnamed")+"/", "certificate is valid for"),
		fails("better: an annotation that cannot be read is not passed over", svc("unreadable")+"/", "no such object"),
		{section: "1", words: "node: https with the gateway's own client certificate", test: func(t *testing.T, c *client) {
			for _, target := range []string{"good", "http:good:", "https:good:"} {
				if got := c.get(t, proxied("nodes", target)+"/pods"); got.code != 200 || got.header.Get("Peer") != "the-gateway" || got.header.Get("Spoke") == "" {
					t.Errorf("%s: got %d %q from a gateway that shows itself as %q", target, got.code, got.body, got.header.Get("Peer"))
				}
			}
		}},
		fails("node: the serving certificate is verified", proxied("nodes", "impostor")+"/pods", "certificate"),
	}
}
