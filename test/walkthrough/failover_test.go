//go:build host

package walkthrough

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/localproxy"
	"github.com/causeway-access/causeway/internal/store"
	"github.com/causeway-access/causeway/test/inside"
)

// apiServers is how many share the etcd.
const apiServers = 3

// member is one API server of several, with a home of its own.
type member struct {
	home
	url string
	up  *running
}

// TestTheLocalProxyOutlivesAPIServers has three API servers on one etcd, of
// which the local proxy is told one. Whichever die without a word, people who
// use the proxy notice nothing as long as one is left.
func TestTheLocalProxyOutlivesAPIServers(t *testing.T) {
	t.Parallel()
	if !inside.Namespaces(t) {
		return
	}
	etcd := newHome(t)
	kept, err := store.Start(t.Context(), store.Config{Dir: etcd.path("etcd")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kept.Close)
	var all []*member
	for n := range apiServers {
		m := &member{home: newHome(t), url: fmt.Sprintf("https://%s:%d", inside.Address, 6443+n)}
		if n > 0 {
			all[0].shareWith(t, m)
		}
		m.start(t, kept.Endpoint())
		all = append(all, m)
	}
	namesAllServers(t, all)

	laptop := newHome(t)
	proxy := laptop.proxy(t, all[0])
	proxy.hasServers(t, map[string]localproxy.State{all[0].url: localproxy.Up, all[1].url: localproxy.Up, all[2].url: localproxy.Up})
	work := proxy.beginWork(t)
	work.goesOn(t)

	t.Log("two of three die: the one that the proxy was told, and another")
	all[0].dies(t)
	work.goesOn(t)
	all[1].dies(t)
	work.goesOn(t)
	proxy.hasServers(t, map[string]localproxy.State{all[0].url: localproxy.Down, all[1].url: localproxy.Down, all[2].url: localproxy.Up})
	proxy.writes(t, "with-one-left")

	t.Log("one comes back, and the last that was there dies")
	all[0].start(t, kept.Endpoint())
	proxy.hasServers(t, map[string]localproxy.State{all[0].url: localproxy.Up, all[2].url: localproxy.Up})
	all[2].dies(t)
	work.goesOn(t)
	proxy.writes(t, "with-one-back")
	work.end(t)
}

// shareWith gives another API server what all of a cluster have in common.
func (m *member) shareWith(t *testing.T, other *member) {
	t.Helper()
	for _, name := range []string{"pki", "tokens", "htpasswd", "htpasswd.groups", "kubernetes_auth"} {
		err := os.MkdirAll(other.data(), 0o700)
		if info, statErr := os.Stat(m.data(name)); statErr != nil {
			err = statErr
		} else if info.IsDir() {
			err = os.CopyFS(other.data(name), os.DirFS(m.data(name)))
		} else if text, readErr := os.ReadFile(m.data(name)); readErr != nil {
			err = readErr
		} else {
			err = os.WriteFile(other.data(name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (m *member) start(t *testing.T, etcd string) {
	t.Helper()
	m.up = start(t, m.home.up("--etcd-servers", etcd, "--listen", strings.TrimPrefix(m.url, "https://")))
}

// dies as in a power cut.
func (m *member) dies(t *testing.T) {
	t.Helper()
	if err := m.up.kill(); err != nil {
		t.Fatal(err)
	}
}

// namesAllServers waits until the cluster says where all its API servers are.
func namesAllServers(t *testing.T, all []*member) {
	t.Helper()
	var want, got []string
	for _, m := range all {
		want = append(want, m.url)
	}
	eventuallyTrue(t, "the endpoints of default/kubernetes are all API servers", func() bool {
		list, err := all[0].up.client.DiscoveryV1().EndpointSlices("default").List(t.Context(), metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=kubernetes"})
		if err != nil {
			t.Fatal(err)
		}
		got = nil
		for _, slice := range list.Items {
			for _, endpoint := range slice.Endpoints {
				got = append(got, fmt.Sprintf("https://%s:%d", endpoint.Addresses[0], *slice.Ports[0].Port))
			}
		}
		slices.Sort(got)
		return cmp.Equal(want, got)
	})
}

// localProxy is `causeway proxy` on somebody's laptop.
type localProxy struct {
	home
	url string
}

// proxy runs it with the kubeconfig of one API server and no word of others.
func (h home) proxy(t *testing.T, m *member) *localProxy {
	t.Helper()
	cmd := h.command("causeway", "proxy", "--port=0", "--kubeconfig", m.up.AdminKubeconfig, "--verbose")
	s, match, err := startServer(cmd, regexp.MustCompile(`(?m)^Starting to serve on (\S+)$`))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the local proxy wrote:\n%s", s.output)
		}
	})
	return &localProxy{home: h, url: "http://" + match[1]}
}

// get is a request as any program makes it: of one try.
func (p *localProxy) get(path string) (string, error) {
	resp, err := http.Get(p.url + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", fmt.Errorf("reading the answer to %s: %w", path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s: %s", path, resp.Status, body)
	}
	return string(body), nil
}

// hasServers waits until the proxy takes API servers for what they are.
func (p *localProxy) hasServers(t *testing.T, want map[string]localproxy.State) {
	t.Helper()
	eventuallyTrue(t, fmt.Sprintf("the proxy has the servers %v", want), func() bool {
		body, err := p.get(localproxy.StatusPath)
		var status localproxy.Status
		if err == nil {
			err = json.Unmarshal([]byte(body), &status)
		}
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]localproxy.State{}
		for url := range want {
			got[url] = localproxy.Down // or known no longer
		}
		for _, one := range status.Servers {
			if _, asked := want[one.URL]; asked {
				got[one.URL] = one.State
			}
		}
		return cmp.Equal(want, got)
	})
}

// writes makes an object through the proxy and reads it.
func (p *localProxy) writes(t *testing.T, name string) {
	t.Helper()
	for _, args := range [][]string{{"create", "configmap", name}, {"get", "configmap", name}} {
		if status, stdout, stderr := finish(t, p.kubectl(args...)); status != 0 || !strings.Contains(stdout, name) {
			t.Errorf("kubectl %v: status %d, %s%s", args, status, stdout, stderr)
		}
	}
}
