//go:build host

package walkthrough

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/causeway-access/causeway/internal/node/register"
	"github.com/causeway-access/causeway/internal/store"
	"github.com/causeway-access/causeway/test/inside"
)

// hidden is the address of API servers to which the second machine has no
// route. It reaches balanced alone, which leads to one of them.
const hidden, balanced = "203.0.113.1", inside.Address + ":7443"

// TestANodeBehindABalancerHasAllThatOthersHave has two API servers, of which the
// node on the second machine reaches the address before them alone; nothing
// reaches that node, or its pods, by their addresses. Both API servers reach
// them all the same, and pods reach each other between the nodes, also when an API
// server dies, and again both when it is back.
func TestANodeBehindABalancerHasAllThatOthersHave(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	mustRun(t, "ip", "address", "add", hidden+"/32", "dev", "lo")
	etcd := newHome(t)
	kept, err := store.Start(t.Context(), store.Config{Dir: etcd.path("etcd")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kept.Close)
	one := &member{home: newHome(t), url: "https://" + hidden + ":6443"}
	two := &member{home: newHome(t), url: "https://" + hidden + ":6444"}
	t.Cleanup(func() { one.down(t) })
	one.up = start(t, one.home.up("--etcd-servers", kept.Endpoint(), "--listen", hidden+":6443", "--node=true", "--node-name", "worker"))
	one.shareWith(t, two)
	two.start(t, kept.Endpoint())
	namesAllServers(t, []*member{one, two})
	balance(t, balanced, hidden+":6443", hidden+":6444")

	h := newHome(t)
	p := &pair{home: h, up: one.up, second: h.neighbour(t)}
	t.Cleanup(func() { p.down(t) })
	token, _, hash := p.line(t)
	p.joinWith(t, token, "--server=https://"+balanced, hash, "--tunnel")
	p.runsOn(t, "echo", "second")
	p.runsOn(t, "near", "worker")
	p.reachEachOther(t)
	for _, m := range []*member{one, two} {
		p.up = m.up
		p.reachesEcho(t)
	}
	p.waits(t, "has tunnels to all API servers", func(n *corev1.Node) bool {
		return !slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type == register.Limited && strings.Contains(c.Message, "no tunnel to the API server")
		})
	})

	p.up = one.up
	two.dies(t)
	p.reachEachOther(t)
	p.reachesEcho(t)
	two.start(t, kept.Endpoint())
	for _, m := range []*member{two, one} {
		p.up = m.up
		p.reachesEcho(t)
	}
	p.reachEachOther(t)
}

// runsOn has a pod run on a node, and makes a service of it.
func (p *pair) runsOn(t *testing.T, name, node string) {
	t.Helper()
	labels := map[string]string{"app": name}
	pods := p.up.client.CoreV1().Pods("default")
	_, err := pods.Create(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, Spec: corev1.PodSpec{
		NodeName: node, Containers: []corev1.Container{{Name: "echo", Image: "host", Command: []string{"causeway", "echo", "--listen", ":8080"}}},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.up.client.CoreV1().Services("default").Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "to-" + name},
		Spec:       corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the pod runs", func() (bool, string) {
		pod, err := pods.Get(t.Context(), name, metav1.GetOptions{})
		return err == nil && pod.Status.Phase == corev1.PodRunning, fmt.Sprint(pod, err)
	})
}

// reachEachOther has pods of either node use one on the other, by its service
// and by its address, and the API.
func (p *pair) reachEachOther(t *testing.T) {
	t.Helper()
	for from, to := range map[string]string{"near": "echo", "echo": "near"} {
		pod, err := p.up.client.CoreV1().Pods("default").Get(t.Context(), to, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, url := range []string{"http://to-" + to + "/", "http://" + pod.Status.PodIP + ":8080/"} {
			until(t, fmt.Sprintf("%s reaches %s", from, url), func() (bool, string) { // services come when they are known
				out, err := p.tryKubectl("exec", from, "--", "curl", "-sS", "-m", "20", "--data-binary", "question", url)
				good := err == nil && strings.Contains(out, `"pod": "`+to+`"`) && strings.Contains(out, "question")
				return good, p.unlessGood(good, out)
			})
		}
	}
	const ask = `cd /var/run/secrets/kubernetes.io/serviceaccount && curl -sS -m 20 --cacert ca.crt -H "Authorization: Bearer $(cat token)" https://kubernetes.default.svc/version`
	until(t, "the pod on the second machine reaches the API", func() (bool, string) {
		out, err := p.tryKubectl("exec", "echo", "--", "sh", "-c", ask)
		return err == nil && strings.Contains(out, "gitVersion"), fmt.Sprint(out, err)
	})
}

// unlessGood is what was seen, with what the cluster knows of the ways there.
func (p *pair) unlessGood(good bool, seen string) string {
	if good {
		return seen
	}
	objects, err := p.tryKubectl("get", "nodes,pods,endpointslices", "-o", "wide")
	counts, countsErr := p.tryKubectl("get", "--raw", "/metrics")
	for line := range strings.Lines(counts) {
		if strings.HasPrefix(line, "causeway_relay_") {
			seen += line
		}
	}
	return fmt.Sprintln(seen, objects, err, countsErr)
}

// balance gives the connections to an address to servers in turn, and closes
// those for which there is none.
func balance(t *testing.T, address string, servers ...string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for turn := 0; ; turn++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go pass(c, servers[turn%len(servers)])
		}
	}()
}

func pass(c net.Conn, server string) {
	defer c.Close()
	s, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer s.Close()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{c, s}, {s, c}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			_ = way[0].(*net.TCPConn).CloseWrite()
		})
	}
	both.Wait()
}
