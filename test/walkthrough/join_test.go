//go:build host

package walkthrough

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/test/inside"
)

// pair is a cluster on one machine and a node on another.
type pair struct {
	home
	up     *running
	second machine
	agent  *server
}

// kubectl runs it as the administrator, and has to succeed.
func (p *pair) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := p.tryKubectl(args...)
	if err != nil {
		t.Fatalf("kubectl %v: %v\n%s", args, err, out)
	}
	return out
}

func (p *pair) tryKubectl(args ...string) (string, error) {
	cmd := p.command("kubectl", append([]string{"--kubeconfig", p.up.AdminKubeconfig}, args...)...)
	var errOut strings.Builder
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		return string(out) + errOut.String(), err
	}
	return string(out), nil
}

// pods are those of the Deployment on a node.
func (p *pair) pods(t *testing.T, node string) []corev1.Pod {
	t.Helper()
	list, err := p.up.client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{LabelSelector: "app=echo", FieldSelector: "spec.nodeName=" + node})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// waits waits until the second node is as it should be.
func (p *pair) waits(t *testing.T, what string, good func(*corev1.Node) bool) {
	t.Helper()
	until(t, "node second "+what, func() (bool, string) {
		node, err := p.up.client.CoreV1().Nodes().Get(t.Context(), "second", metav1.GetOptions{})
		return err == nil && good(node), fmt.Sprint(node, err)
	})
}

// ready tells whether a node's condition Ready has that status.
func ready(status corev1.ConditionStatus) func(*corev1.Node) bool {
	return func(n *corev1.Node) bool {
		return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool { return c.Type == corev1.NodeReady && c.Status == status })
	}
}

func (p *pair) dir() string { return p.path("second") }

// node is `causeway node` on the second machine.
func (p *pair) node(args ...string) *exec.Cmd {
	return p.second.command("causeway", append([]string{"node", "--node-name", "second", "--data-dir", p.dir(), "--node-listen", ":0"}, args...)...)
}

// run starts the agent and waits until it says that pods run.
func (p *pair) run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	agent, _, err := startServer(cmd, regexp.MustCompile(`Node second \(192\.0\.2\.11\) runs pods`))
	if err != nil {
		t.Fatal(err)
	}
	p.agent = agent
	t.Cleanup(func() {
		if agent.over() {
			return
		}
		if err := agent.stop(); err != nil {
			t.Error(err)
		}
	})
}

// joinLine is what `causeway token create --print-join-command` prints.
var joinLine = regexp.MustCompile(`^echo ([a-z0-9]{6}\.[a-z0-9]{16}) \| causeway node (--server=https://\S+) (--ca-cert-hash=sha256:[0-9a-f]{64}) --token-file=-\n$`)

// TestASecondMachineJoins has another machine become a node by the line that
// the first one prints, run pods that are reached like those of the first, lose
// its agent, fall silent, come back, and leave.
func TestASecondMachineJoins(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	h := newHome(t)
	p := &pair{home: h, up: h.node(t), second: h.neighbour(t)}
	t.Cleanup(func() { p.down(t) })
	token, server, hash := p.join(t)
	p.kubectl(t, "apply", "-f", p.deployment(t))
	p.kubectl(t, "rollout", "status", "deployment/echo", "--timeout=120s")
	p.reach(t)
	p.goBehind(t, server)
	p.loseAgent(t, server)
	p.fallSilent(t, server, func() { p.outsiders(t, token, server, hash) })
	p.leave(t)
}

// down ends the pods of the second machine.
func (p *pair) down(t *testing.T) {
	t.Helper()
	out, err := p.second.command("causeway", "down", "--data-dir", p.dir(), "--grace-period", "1s").CombinedOutput()
	if err != nil {
		t.Errorf("causeway down: %v\n%s", err, out)
	}
}

// line is what is printed for machines that are to join, by its words.
func (p *pair) line(t *testing.T) (token, server, hash string) {
	t.Helper()
	status, line, errOut := finish(t, p.command("causeway", "token", "create", "--kubeconfig", p.up.AdminKubeconfig, "--print-join-command"))
	words := joinLine.FindStringSubmatch(line)
	if status != 0 || words == nil {
		t.Fatalf("token create: status %d: %s%s", status, line, errOut)
	}
	return words[1], words[2], words[3]
}

// join follows the printed line, which it returns by its words, with more flags.
func (p *pair) join(t *testing.T, more ...string) (token, server, hash string) {
	t.Helper()
	token, server, hash = p.line(t)
	p.joinWith(t, token, append(more, server, hash)...)
	return token, server, hash
}

func (p *pair) joinWith(t *testing.T, token string, flags ...string) {
	t.Helper()
	cmd := p.node(append(flags, "--token-file=-")...)
	cmd.Stdin = strings.NewReader(token + "\n")
	p.run(t, cmd)
	p.waits(t, "is ready", ready(corev1.ConditionTrue))
}

// outsiders are lines that must not do, and what the first machine says of the
// token.
func (p *pair) outsiders(t *testing.T, token, server, hash string) {
	t.Helper()
	third := func(args ...string) *exec.Cmd { return p.node(append(args, server, "--data-dir", p.path("third"))...) }
	refuses(t, third("--token", token), 1, "does not know the cluster yet: give --ca-cert-hash")
	refuses(t, third("--token", token, "--ca-cert-hash=sha256:"+strings.Repeat("0", 64)), 1, "it is another cluster's, or somebody stands between", "No secret was sent")
	refuses(t, third("--token", "abcdef.0123456789abcdef", hash), 1, "the API server does not take the token")
	id, _, _ := strings.Cut(token, ".")
	for _, step := range []struct{ args, want string }{
		{"list", id}, {"delete " + token, "token " + id + " deleted\n"}, {"list", "There are no tokens."},
	} {
		args := append([]string{"token"}, strings.Fields(step.args)...)
		status, out, errOut := finish(t, p.command("causeway", append(args, "--kubeconfig", p.up.AdminKubeconfig)...))
		if status != 0 || !strings.Contains(out, step.want) || strings.Contains(out, token) {
			t.Errorf("token %s: status %d: %s%s", step.args, status, out, errOut)
		}
	}
}

// deployment is a file with a Deployment over both nodes, which does not wait
// for a node that is silent, and its service.
func (p *pair) deployment(t *testing.T) string {
	t.Helper()
	const text = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: echo}
spec:
  replicas: 4
  selector: {matchLabels: {app: echo}}
  template:
    metadata: {labels: {app: echo}}
    spec:
      terminationGracePeriodSeconds: 1
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: echo}}}
      tolerations:
      - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 1}
      containers:
      - {name: echo, image: host, command: [causeway, echo, --listen, ":8080"], readinessProbe: {tcpSocket: {port: 8080}}}
---
apiVersion: v1
kind: Service
metadata: {name: echo}
spec: {type: NodePort, selector: {app: echo}, ports: [{name: http, port: 80, targetPort: 8080, nodePort: 30080}]}
`
	rewrite(t, p.path("echo.yaml"), []byte(text))
	return p.path("echo.yaml")
}

// podOn is the name and the address of a pod of a node.
func (p *pair) podOn(t *testing.T, node string) (name, address string) {
	t.Helper()
	all := p.pods(t, node)
	if len(all) == 0 {
		t.Fatalf("no pod is on node %s", node)
	}
	return all[0].Name, all[0].Status.PodIP
}

// reach tells that pods of the second node are what those of the first are.
func (p *pair) reach(t *testing.T) {
	t.Helper()
	here, hereIP := p.podOn(t, "worker")
	there, thereIP := p.podOn(t, "second")
	if out := p.kubectl(t, "logs", there); !strings.Contains(out, "echo: HTTP") {
		t.Errorf("its log is %q", out)
	}
	if out := p.kubectl(t, "exec", there, "--", "hostname"); out != there+"\n" {
		t.Errorf("its name is %q", out)
	}
	p.portForward(t, there)
	for pod, to := range map[string][]string{
		here:  {thereIP + ":8080", "echo.default.svc.cluster.local"},
		there: {hereIP + ":8080", "echo"},
	} {
		until(t, fmt.Sprintf("%s reaches %v", pod, to), func() (bool, string) { // routes and services come when they are known
			out, err := p.tryKubectl("exec", pod, "--", "curl", "-sS", "-m", "10", "http://"+to[0]+"/", "http://"+to[1]+"/")
			return err == nil && strings.Count(out, `"method": "GET"`) == 2, out
		})
	}
	const ask = `cd /var/run/secrets/kubernetes.io/serviceaccount && curl -sS -m 60 --cacert ca.crt -H "Authorization: Bearer $(cat token)" https://kubernetes.default.svc/version`
	if out := p.kubectl(t, "exec", there, "--", "sh", "-c", ask); !strings.Contains(out, "gitVersion") {
		t.Errorf("the API server's service says to a pod: %s", out)
	}
	seen := map[string]bool{}
	for _, m := range []struct {
		command func(string, ...string) *exec.Cmd
		node    string
	}{{p.command, neighbourAddress}, {p.second.command, inside.Address}} {
		until(t, "the port of a node is reached from the other", func() (bool, string) {
			out, err := m.command("curl", "-sS", "-m", "10", "http://"+m.node+":30080/").CombinedOutput()
			return err == nil && strings.Contains(string(out), `"method": "GET"`), string(out)
		})
	}
	until(t, "the service leads to both nodes", func() (bool, string) {
		out, _ := p.through(t, "services/echo:http")
		for _, pod := range []string{here, there} {
			seen[pod] = seen[pod] || strings.Contains(out, pod)
		}
		return seen[here] && seen[there], out
	})
}

// through asks something through the gateway.
func (p *pair) through(t *testing.T, what string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := p.up.client.CoreV1().RESTClient().Get().AbsPath("/api/v1/namespaces/default/" + what + "/proxy/").DoRaw(ctx)
	return string(out), err
}

func (p *pair) portForward(t *testing.T, pod string) {
	t.Helper()
	s, match, err := startServer(p.command("kubectl", "--kubeconfig", p.up.AdminKubeconfig, "port-forward", "pod/"+pod, ":8080"),
		regexp.MustCompile(`Forwarding from (127\.0\.0\.1:\d+)`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.kill() }() // it does not end by itself
	resp, err := http.Get("http://" + match[1] + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), pod) {
		t.Errorf("through port-forward: %v: %s", err, body)
	}
}

// goBehind has the second machine be reached by its tunnel alone.
func (p *pair) goBehind(t *testing.T, server string) {
	t.Helper()
	if err := p.agent.stop(); err != nil {
		t.Fatal(err)
	}
	p.run(t, p.node(server, "--tunnel"))
	p.waits(t, "is reached by a tunnel", func(n *corev1.Node) bool {
		named := len(n.Status.Addresses) == 1 && n.Status.Addresses[0].Type == corev1.NodeHostName
		return named && ready(corev1.ConditionTrue)(n)
	})
	until(t, "no route to its pods", func() (bool, string) {
		out, err := p.command("ip", "route").CombinedOutput()
		return err == nil && !strings.Contains(string(out), "proto 204"), string(out)
	})
	there, _ := p.podOn(t, "second")
	until(t, "its pod is reached through the gateway", func() (bool, string) {
		out, err := p.through(t, "pods/"+there+":8080")
		return err == nil && strings.Contains(out, there), out
	})
	if out := p.kubectl(t, "exec", there, "--", "hostname"); out != there+"\n" {
		t.Errorf("its name is %q", out)
	}
	p.portForward(t, there)
}

// loseAgent kills the agent; the next one, without token or hash, finds the pods.
func (p *pair) loseAgent(t *testing.T, server string) {
	t.Helper()
	pod, _ := p.podOn(t, "second")
	before := p.pods(t, "second")[0].Status.ContainerStatuses[0]
	if err := p.agent.kill(); err != nil {
		t.Fatal(err)
	}
	p.run(t, p.node(server))
	p.waits(t, "is ready", ready(corev1.ConditionTrue))
	after := p.pods(t, "second")[0].Status.ContainerStatuses[0]
	if after.ContainerID != before.ContainerID || after.RestartCount != before.RestartCount {
		t.Errorf("before: %v; after: %v", before, after)
	}
	until(t, "its log", func() (bool, string) { // its API has a port of its own again
		out, err := p.tryKubectl("logs", pod)
		return err == nil && strings.Contains(out, "echo: HTTP"), out
	})
}

// fallSilent has the agent end until its pods have been replaced, and then come
// back. It takes its time, in which something else is done.
func (p *pair) fallSilent(t *testing.T, server string, meanwhile func()) {
	t.Helper()
	if err := p.agent.kill(); err != nil {
		t.Fatal(err)
	}
	meanwhile()
	unreachable := func(n *corev1.Node) bool {
		return slices.ContainsFunc(n.Spec.Taints, func(taint corev1.Taint) bool { return taint.Key == corev1.TaintNodeUnreachable })
	}
	p.waits(t, "is silent", func(n *corev1.Node) bool { return ready(corev1.ConditionUnknown)(n) && unreachable(n) })
	until(t, "four pods on the first node", func() (bool, string) {
		all := p.pods(t, "worker")
		running := slices.DeleteFunc(slices.Clone(all), func(pod corev1.Pod) bool {
			return len(pod.Status.ContainerStatuses) == 0 || !pod.Status.ContainerStatuses[0].Ready
		})
		return len(running) == 4, fmt.Sprint(all)
	})
	p.run(t, p.node(server))
	p.waits(t, "is back", func(n *corev1.Node) bool { return ready(corev1.ConditionTrue)(n) && len(n.Spec.Taints) == 0 })
	until(t, "it ends what was replaced", func() (bool, string) {
		left := p.pods(t, "second")
		return len(left) == 0, fmt.Sprint(left)
	})
}

// leave ends the node while a pod runs; nothing of both stays.
func (p *pair) leave(t *testing.T) {
	t.Helper()
	p.kubectl(t, "run", "last", "--image=host", `--overrides={"spec":{"nodeName":"second"}}`, "--", "sleep", "1000")
	p.kubectl(t, "wait", "pod/last", "--for=condition=Ready", "--timeout=90s")
	if err := p.agent.stop(); err != nil {
		t.Error(err)
	}
	p.kubectl(t, "delete", "node", "second")
	routes := func(cmd *exec.Cmd) (bool, string) {
		out, err := cmd.CombinedOutput()
		return err == nil && !strings.Contains(string(out), "proto 204"), string(out)
	}
	until(t, "no route to it", func() (bool, string) { return routes(p.command("ip", "route")) })
	if left := p.left(t); len(left) < 4 {
		t.Errorf("of a pod that runs there is but %v", left)
	}
	p.down(t)
	if left := p.left(t); len(left) > 0 {
		t.Errorf("after `causeway down` there are %v", left)
	}
	if gone, out := routes(p.second.command("ip", "route")); !gone {
		t.Errorf("routes are left:\n%s", out)
	}
}

// left are files of pods on the second machine.
func (p *pair) left(t *testing.T) (all []string) {
	t.Helper()
	for _, of := range []string{"logs", "state", "volumes/memory", "run/pods"} {
		found, err := filepath.Glob(filepath.Join(p.dir(), "node", of, "*"))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}
