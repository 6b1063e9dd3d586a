package walkthrough

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// shouting is a TCP server that answers, after the client's end, all that he
// has said in upper case. It ends with the test.
func shouting(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				if said, err := io.ReadAll(c); err == nil {
					_, _ = c.Write(bytes.ToUpper(said)) // the client may be gone
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return netip.MustParseAddrPort(l.Addr().String())
}

// tcpPod makes a running pod of an address.
func (r *running) tcpPod(t *testing.T, name string, at netip.AddrPort) {
	t.Helper()
	pods := r.client.CoreV1().Pods(metav1.NamespaceDefault)
	pod, err := pods.Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "server", Image: "host", Ports: []corev1.ContainerPort{{Name: "tcp", ContainerPort: int32(at.Port())}}}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIP: at.Addr().String(), PodIPs: []corev1.PodIP{{IP: at.Addr().String()}}}
	pod.ResourceVersion = "" // whatever controllers have said of it meanwhile
	if _, err := pods.UpdateStatus(t.Context(), pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// say sends all of a question to a local port and reads the answer.
func say(address, question string) (string, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c, question)
		sent <- errors.Join(err, c.(*net.TCPConn).CloseWrite())
	}()
	answer, err := io.ReadAll(c)
	return string(answer), errors.Join(err, <-sent)
}

var forwarding = regexp.MustCompile(`(?m)^Forwarding from (127\.0\.0\.1:\d+) -> \d+$`)

// Every kubectl forwards ports of a pod, by SPDY or by WebSocket as it is used
// to, and so does causeway.
func TestPortsAreForwarded(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	up := start(t, h.up("--allow-endpoint-cidr", "127.0.0.0/8"))
	at := shouting(t)
	up.tcpPod(t, "shouting", at)
	port := "0:" + strconv.Itoa(int(at.Port()))
	commands := map[string]*exec.Cmd{
		"causeway":         h.command("causeway", "forward", "pod/shouting", port, "--kubeconfig", up.AdminKubeconfig),
		"causeway, a name": h.command("causeway", "forward", "pod/shouting", ":tcp", "--kubeconfig", up.AdminKubeconfig),
	}
	for version, dir := range kubectls(t) {
		commands[version] = h.command(filepath.Join(dir, "kubectl"), "--kubeconfig", up.AdminKubeconfig, "port-forward", "pod/shouting", port)
	}
	for name, cmd := range commands {
		s, match, err := startServer(cmd, forwarding)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, question := range []string{"hello", strings.Repeat("much ", 1<<18)} {
			if got, err := say(match[1], question); err != nil || got != strings.ToUpper(question) {
				t.Errorf("%s: %d bytes gave %d others back, %v\n%s", name, len(question), len(got), err, s.output)
			}
		}
		if err := s.kill(); err != nil {
			t.Error(err)
		}
	}
}

// What cannot be forwarded is told in words, before anything is listened on.
func TestForwardSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	up := start(t, h.up())
	forward := func(args ...string) *exec.Cmd {
		return h.command("causeway", append([]string{"forward", "--kubeconfig", up.AdminKubeconfig}, args...)...)
	}
	refuses(t, forward("svc/absent", "80"), 1, `forwarding ports of service/absent in namespace "default": services "absent" not found`)
	refuses(t, forward("pod/absent", "80", "-n", "kube-system"), 1, `pods "absent" not found`)
	refuses(t, forward("svc/kubernetes", "443", "--as=jane"), 1, `User "jane" cannot create resource "services/portforward"`,
		"kubectl create role forward-ports -n default --verb=create --resource=services/portforward")
	refuses(t, forward("svc/kubernetes"), 2, "takes TYPE/NAME and one port or more")
	refuses(t, forward("svc/kubernetes", "a-name-that-is-too-long"), 2, `"a-name-that-is-too-long" is no port: want [LOCAL_PORT:]PORT`)
	refuses(t, forward("svc/kubernetes", "8443:web"), 1, `service/kubernetes has no port "web"; it has https`)
	refuses(t, forward("node/x", "80"), 2, `ports of "node" cannot be forwarded`)
}
