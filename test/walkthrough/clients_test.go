//go:build host

package walkthrough

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// echo answers with method and path, as JSON, which generated clients parse.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	fmt.Fprintf(w, "%q", strings.TrimSpace(r.Method+" "+r.URL.Path+" "+string(body)))
}

// javaScriptClient installs the client that testdata/clients/package-lock.json
// names, once for all runs on this machine, and returns its directory. Inside
// namespaces there is no network: it must have been called outside before.
func javaScriptClient(t *testing.T) string {
	t.Helper()
	lock, err := os.ReadFile("testdata/clients/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	caches, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	dir := filepath.Join(caches, "causeway-test", "clients-"+hex.EncodeToString(sum[:8]))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "installing-")
	if err == nil {
		err = os.CopyFS(fresh, os.DirFS("testdata/clients"))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(fresh)
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = fresh
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("installing the client for JavaScript (hack/test-deps.sh installs npm): %v\n%s", err, out)
	}
	if err := os.Rename(fresh, dir); err != nil {
		if _, done := os.Stat(dir); done != nil { // by another run
			t.Fatal(err)
		}
	}
	return dir
}

// generatedClientsReachServices runs programs that use what the authors of the
// clients generated from the API's description, the proxy calls above all.
func generatedClientsReachServices(t *testing.T, h home, kubeconfig, javaScript string) {
	program, err := os.ReadFile("testdata/clients/client.mjs")
	if err == nil {
		err = os.WriteFile(filepath.Join(javaScript, "client.mjs"), program, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		language string
		command  []string
		want     string
	}{
		{"JavaScript", []string{"node", filepath.Join(javaScript, "client.mjs")}, `pods 6
created 1
read 1
patched 2
replaced 3
event ADDED 3
event DELETED 3
read 404
GET "kubernetes_logging"
Get with path "GET /a/b"
Post with path "POST /a/b"
Put with path "PUT /a/b"
Patch with path "PATCH /a/b"
Delete with path "DELETE /a/b"
Options with path "OPTIONS /a/b"
named by scheme and port "GET /c"
pod "GET /d"
absent 404
`},
		{"Python", []string{"/usr/bin/python3", "testdata/clients/proxy.py"}, `GET True
get with path GET /a/b
post with path POST /a/b
put with path PUT /a/b
patch with path PATCH /a/b
delete with path DELETE /a/b
options with path OPTIONS /a/b
with a parameter {'hits': {'total': 1, 'hits': [{'_index': 'logstash-2015.03.05', '_source': {'query': ''}}]}}
named by scheme and port GET /c
pod GET /d
absent 404
`},
	} {
		t.Run(tt.language, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), tt.command[0], tt.command[1:]...)
			cmd.Env = append(h.environment(), "KUBECONFIG="+kubeconfig)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %v", tt.command, err)
			}
			if diff := cmp.Diff(tt.want, string(out)); diff != "" {
				t.Errorf("the program printed something else (-want +got):\n%s", diff)
			}
		})
	}
}
