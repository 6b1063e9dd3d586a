//go:build host

package walkthrough

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/causeway-access/causeway/test/inside"
)

// The documents name addresses, and a password. Inside namespaces these can be
// real, so that the commands work to the letter, but for the address that the
// documents of 2015 to 2021 give the API, which is somebody's: here it is one
// of those for documentation (RFC 5737), and the password and the name of the
// cluster are our own.
const (
	// master stands for that address, otherMaster is where the document of 2023
	// has the API, and internalMaster what the API says of itself.
	master         = "198.51.100.247"
	otherMaster    = "192.0.2.1"
	internalMaster = "10.0.1.149"
	password       = "walkthrough-2015"
)

// TestEveryCommandOfTheDocumentsWorks types the commands of five documents
// about reaching what runs in a cluster, written from 2015 to 2023, in their
// order, and compares what is printed with what they show.
func TestEveryCommandOfTheDocumentsWorks(t *testing.T) {
	t.Parallel()
	javaScript := javaScriptClient(t)
	if !inside.Namespaces(t) {
		return
	}
	for _, address := range append(podAddresses(), master, otherMaster, internalMaster) {
		mustRun(t, "ip", "address", "add", address+"/32", "dev", "here")
	}
	h := newHome(t)
	h.hasPassword(t)
	serveApplications(t)
	up := start(t, h.up("--listen", ":443", "--advertise-address", internalMaster, "--service-cidr", "10.0.0.0/16"))
	createApplications(t, up.client)
	kubeconfig := h.kubeconfig(t, up)
	variables := map[string]string{
		"KUBECONFIG": kubeconfig, "FIRST": kubeconfig, "DATA": up.DataDir, "LISTPODS": h.listPods(t),
		// The pods of the first cluster are servers of this test's. Those of the
		// second run on a node.
		"PODS": newHome(t).node(t).AdminKubeconfig,
	}
	stories, err := filepath.Glob("testdata/documents/*.txtar")
	if err != nil || len(stories) != 5 {
		t.Fatalf("%d stories: %v", len(stories), err)
	}
	for _, story := range stories {
		// One after the other: all of them use the port that the documents name.
		t.Run(filepath.Base(story), func(t *testing.T) { runFiles(t, variables, story) })
	}
	generatedClientsReachServices(t, h, kubeconfig, javaScript)
}

// hasPassword gives the administrator the password of the documents before
// there is a cluster.
func (h home) hasPassword(t *testing.T) {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(h.data(), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"htpasswd":        "admin:" + string(hash) + "\n",
		"htpasswd.groups": "system:masters: admin\n",
		"kubernetes_auth": fmt.Sprintf(`{"User": "admin", "Password": %q}`, password),
	} {
		if err := os.WriteFile(h.data(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// kubeconfig is that of somebody who was given the address and a token, which
// clusters of that time handed out.
func (h home) kubeconfig(t *testing.T, up *running) string {
	t.Helper()
	ca, err := os.ReadFile(up.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	const name = "old-cluster_kubernetes"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: "https://" + master, CertificateAuthorityData: ca}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: up.token(t)}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	if err := clientcmd.WriteToFile(*config, h.path("kubeconfig")); err != nil {
		t.Fatal(err)
	}
	return h.path("kubeconfig")
}

// listPods builds the program that the documents show for the Go client.
func (h home) listPods(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "build", "-race", "-o", h.path("listpods"), "./testdata/documents/listpods").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return h.path("listpods")
}

// TestNoCommandOfTheDocumentsIsForgotten compares each story with the list of
// the commands and addresses of its document: each must be typed, or said not
// to be for a reason, in the document's order.
func TestNoCommandOfTheDocumentsIsForgotten(t *testing.T) {
	lists, err := filepath.Glob("testdata/documents/*.commands")
	if err != nil || len(lists) != 5 {
		t.Fatalf("%d lists: %v", len(lists), err)
	}
	for _, list := range lists {
		wanted, err := os.ReadFile(list)
		if err != nil {
			t.Fatal(err)
		}
		story, err := os.ReadFile(strings.TrimSuffix(list, ".commands") + ".txtar")
		if err != nil {
			t.Error(err)
			continue
		}
		typed := typedIn(string(story))
		for want := range strings.Lines(string(wanted)) {
			want = strings.TrimSuffix(strings.TrimSpace(want), " &")
			at := 0
			for at < len(typed) && !strings.Contains(typed[at], want) {
				at++
			}
			if at == len(typed) {
				t.Errorf("%s: %q is not there, or not in its place: after it come %q", filepath.Base(list), want, typed)
				break
			}
			typed = typed[at:]
		}
	}
}

// typedIn are the commands of a story: those which it has typed, and those
// that it says cannot be.
func typedIn(story string) []string {
	var found []string
	for line := range strings.Lines(story) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "! ")
		command, rest, _ := strings.Cut(line, " ")
		switch command {
		case "types", "cannot", "serve":
			found = append(found, strings.ReplaceAll(strings.ReplaceAll(rest, "''", "\x00"), "'", ""))
		case "--":
			return unquoted(found)
		}
	}
	return unquoted(found)
}

// unquoted puts the quotes back that stood doubled between quotes.
func unquoted(lines []string) []string {
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], "\x00", "'")
	}
	return lines
}
