package cli

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// try runs a command line in this process.
func try(args ...string) (status int, stdout, stderr string) {
	var out, errOut bytes.Buffer
	status = Main(append([]string{"/usr/bin/causeway"}, args...), genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut})
	return status, out.String(), errOut.String()
}

func TestAWrongCommandLineExitsWithTwoAndSaysWhatIsWrong(t *testing.T) {
	t.Setenv("KUBERNETES_MASTER", "")
	for _, test := range []struct {
		args string
		want string
	}{
		{"upp", `unknown command "upp" for "causeway": did you mean "up"?`},
		{"config frobnicate", `unknown command "frobnicate" for "causeway config"`},
		{"up --lisen :1", "unknown flag: --lisen"},
		{"up now", `causeway up takes no arguments, but got "now"`},
		{"echo --tls=maybe", `invalid argument "maybe" for "--tls" flag`},
		{"echo --tls-cert-file x", "--tls-cert-file and --tls-private-key-file go together"},
		{"version -o xml", `-o "xml" is no output format: want json or yaml`},
		{"cluster-info -o wide", `-o "wide" is no output format`},
		{"completion", "causeway completion takes one argument, the shell, but got 0"},
		{"completion tcsh", `no completion for "tcsh"`},
		{"config import-auth file", "--server is missing"},
	} {
		t.Run(test.args, func(t *testing.T) {
			status, stdout, stderr := try(strings.Fields(test.args)...)
			if status != 2 {
				t.Errorf("exit status = %d, want 2", status)
			}
			if stdout != "" {
				t.Errorf("standard output = %q, want nothing", stdout)
			}
			if !strings.HasPrefix(stderr, "error: "+test.want) || !strings.Contains(stderr, "--help' for usage.\n") {
				t.Errorf("standard error = %q, want error: %s and a way to the help", stderr, test.want)
			}
		})
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		t.Run(c.CommandPath(), func(t *testing.T) {
			if c.Short == "" || strings.HasSuffix(c.Short, ".") {
				t.Errorf("short description %q: want one, without a full stop", c.Short)
			}
			if len(c.Long) <= len(c.Short) {
				t.Errorf("long description %q says no more than the short one", c.Long)
			}
			if !strings.Contains(c.Example, c.Root().Name()) {
				t.Errorf("no example of the command: %q", c.Example)
			}
		})
		if c.Name() == "config" {
			return // kubectl's own, but for import-auth
		}
		for _, sub := range c.Commands() {
			check(sub)
		}
	}
	root := newRoot(genericiooptions.IOStreams{})
	check(root)
	if auth, _, err := root.Find([]string{"config", "import-auth"}); err != nil {
		t.Error(err)
	} else {
		check(auth)
	}
}

func TestServiceURLs(t *testing.T) {
	service := func(ingress []corev1.LoadBalancerIngress, ports ...corev1.ServicePort) *corev1.Service {
		return &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "kube-system"},
			Spec:       corev1.ServiceSpec{Ports: ports},
			Status:     corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: ingress}},
		}
	}
	const base = "https://api:6443/api/v1/namespaces/kube-system/services/"
	for _, test := range []struct {
		name    string
		service *corev1.Service
		want    []string
	}{
		{"one unnamed port", service(nil, corev1.ServicePort{Port: 80}), []string{base + "web/proxy"}},
		{"a named port", service(nil, corev1.ServicePort{Port: 9200, Name: "db"}), []string{base + "web:db/proxy"}},
		{"the first of two", service(nil, corev1.ServicePort{Port: 9200, Name: "db"}, corev1.ServicePort{Port: 443}), []string{base + "web:db/proxy"}},
		{"port 443", service(nil, corev1.ServicePort{Port: 443}), []string{base + "https:web:/proxy"}},
		{"a port named https", service(nil, corev1.ServicePort{Port: 8443, Name: "https"}), []string{base + "https:web:https/proxy"}},
		{"no port", service(nil), []string{base + "web/proxy"}},
		{
			"a load balancer", service([]corev1.LoadBalancerIngress{{IP: "192.0.2.1"}}, corev1.ServicePort{Port: 80}, corev1.ServicePort{Port: 81}),
			[]string{"http://192.0.2.1:80", "http://192.0.2.1:81"},
		},
		{"a load balancer with a name", service([]corev1.LoadBalancerIngress{{Hostname: "lb.example"}}, corev1.ServicePort{Port: 80}), []string{"http://lb.example:80"}},
		{"a load balancer on IPv6", service([]corev1.LoadBalancerIngress{{IP: "2001:db8::1"}}, corev1.ServicePort{Port: 80}), []string{"http://[2001:db8::1]:80"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, serviceURLs("https://api:6443", test.service)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestClusterInfoPrintsTheLinesUsersKnow(t *testing.T) {
	none, two := 0, 2
	info := clusterInfo{
		ControlPlane: "https://api", LocalProxy: "http://localhost:8001",
		Authority: &authority{Name: "ca", SHA256: "AB:CD"},
		Services: []clusterService{
			{Name: "KubeDNS", URLs: []string{"https://api/dns"}, ReadyEndpoints: &none, LocalURL: "http://kube-dns.kube-system.localhost:8001/"},
			{Name: "lb", URLs: []string{"http://a:1", "http://a:2"}, ReadyEndpoints: &two},
			{Name: "db", URLs: []string{"https://api/db"}, LocalURL: "http://db.kube-system.localhost:8001/"},
		},
	}
	var out strings.Builder
	if err := info.print(&out); err != nil {
		t.Fatal(err)
	}
	want := `Kubernetes control plane is running at https://api
KubeDNS is running at https://api/dns
lb is running at http://a:1 http://a:2
db is running at https://api/db

No endpoint is ready for KubeDNS.

The local proxy serves them, and a page of all services at http://localhost:8001/
  KubeDNS  http://kube-dns.kube-system.localhost:8001/
  db       http://db.kube-system.localhost:8001/

Its authority is ca, SHA-256
  AB:CD

To further debug and diagnose cluster problems, use 'causeway cluster-info dump'.
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseCompletion(t *testing.T) {
	for _, test := range []struct {
		text  string
		words []string
		want  cobra.ShellCompDirective
	}{
		{"pods\tPod\nservices\n:4\n", []string{"pods\tPod", "services"}, cobra.ShellCompDirectiveNoFileComp},
		{":0\n", []string{}, cobra.ShellCompDirectiveDefault},
		{"", nil, cobra.ShellCompDirectiveError},
		{"pods\n", nil, cobra.ShellCompDirectiveError},
		{"4\n", nil, cobra.ShellCompDirectiveError},
	} {
		words, directive := parseCompletion(test.text)
		if diff := cmp.Diff(test.words, words); diff != "" || directive != test.want {
			t.Errorf("parseCompletion(%q) = %v, %v; want %v, %v", test.text, words, directive, test.words, test.want)
		}
	}
}

func TestJSONLogLinesHaveTheKeysOfKubernetes(t *testing.T) {
	var out strings.Builder
	level := new(slog.LevelVar)
	level.Set(slog.Level(-1))
	log := logr.FromSlogHandler(newJSONHandler(&out, level))
	log.Info("ready", "port", 6443)
	log.V(1).Info("detail")
	log.V(2).Info("too much detail")
	log.Error(errors.New("failed"), "broken")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := []string{`"v":0,"msg":"ready","port":6443}`, `"v":1,"msg":"detail"}`, `"msg":"broken","err":"failed"}`}
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(want), out.String())
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, `{"ts":`) || !strings.HasSuffix(line, want[i]) {
			t.Errorf("line %d = %s, want {\"ts\":...,%s", i, line, want[i])
		}
	}
}
