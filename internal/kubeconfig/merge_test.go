package kubeconfig

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"
)

var causeway = Entry{Name: "causeway", Server: "https://127.0.0.1:6443", CA: []byte("ca"), Token: "secret"}

const other = `apiVersion: v1
kind: Config
current-context: work
clusters:
- name: work
  cluster: {server: "https://work.example:443", certificate-authority: ca.crt}
contexts:
- name: work
  context: {cluster: work, user: me, namespace: team}
users:
- name: me
  user: {client-certificate: me.crt, client-key: me.key}
`

func TestMergeChoosesTheCurrentContext(t *testing.T) {
	for _, test := range []struct {
		name, before string
		current      string
		selected     bool
	}{
		{"no file", "", "causeway", true},
		{"none chosen", strings.Replace(other, "current-context: work", "current-context: ''", 1), "causeway", true},
		{"another chosen", other, "work", false},
		{"ours chosen", strings.Replace(other, "current-context: work", "current-context: causeway", 1), "causeway", true},
		{"one chosen that is not there", strings.Replace(other, "current-context: work", "current-context: gone", 1), "gone", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "new", "config")
			if test.before != "" {
				mustWrite(t, path, test.before, 0o644)
			}
			got, err := Merge(context.Background(), path, causeway)
			if err != nil {
				t.Fatal(err)
			}
			if want := (Merged{Path: path, Context: "causeway", Current: test.current}); got != want {
				t.Errorf("Merge = %+v, want %+v", got, want)
			}
			if got.Selected() != test.selected {
				t.Errorf("Selected = %v, want %v", got.Selected(), test.selected)
			}
			c := mustRead(t, path)
			if c.CurrentContext != test.current {
				t.Errorf("current-context in the file = %q, want %q", c.CurrentContext, test.current)
			}
			if c.Contexts["causeway"] == nil || c.Clusters["causeway"] == nil || c.AuthInfos["causeway-admin"] == nil {
				t.Errorf("the entry is not in the file: %+v", c)
			}
		})
	}
}

func TestMergeKeepsOtherEntries(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	mustWrite(t, path, other, 0o600)
	before := mustRead(t, path)
	if _, err := Merge(context.Background(), path, causeway); err != nil {
		t.Fatal(err)
	}
	after := mustRead(t, path)
	delete(after.Clusters, "causeway")
	delete(after.Contexts, "causeway")
	delete(after.AuthInfos, "causeway-admin")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("other entries changed (-before +after):\n%s", diff)
	}
}

func TestMergeReplacesItsOwnEntryAndKeepsTheNamespace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if _, err := Merge(context.Background(), path, causeway); err != nil {
		t.Fatal(err)
	}
	c := mustRead(t, path)
	c.Contexts["causeway"].Namespace = "chosen"
	if err := Write(path, c); err != nil {
		t.Fatal(err)
	}
	moved := causeway
	moved.Server, moved.Token, moved.ClientCert, moved.ClientKey = "https://127.0.0.1:7443", "", []byte("cert"), []byte("key")
	if _, err := Merge(context.Background(), path, moved); err != nil {
		t.Fatal(err)
	}
	c = mustRead(t, path)
	if got := c.Contexts["causeway"].Namespace; got != "chosen" {
		t.Errorf("namespace = %q, want the one the user chose", got)
	}
	if got := c.Clusters["causeway"].Server; got != moved.Server {
		t.Errorf("server = %q, want %q", got, moved.Server)
	}
	if got := c.AuthInfos["causeway-admin"].Token; got != "" {
		t.Errorf("the old token is still there: %q", got)
	}
}

func TestMergeFollowsKUBECONFIG(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	mustWrite(t, second, other, 0o600)
	t.Setenv("KUBECONFIG", first+string(filepath.ListSeparator)+second)

	got, err := Merge(context.Background(), "", causeway)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Merged{Path: second, Context: "causeway", Current: "work"}); got != want {
		t.Errorf("Merge = %+v, want %+v: the first file that exists, and its choice kept", got, want)
	}
}

func TestMergeRespectsAChoiceMadeInAnotherFile(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	mustWrite(t, first, "apiVersion: v1\nkind: Config\n", 0o600)
	mustWrite(t, second, other, 0o600)
	t.Setenv("KUBECONFIG", first+string(filepath.ListSeparator)+second)

	for _, explicit := range []string{"", UserFile("")} {
		got, err := Merge(context.Background(), explicit, causeway)
		if err != nil {
			t.Fatal(err)
		}
		if got.Path != first || got.Current != "work" {
			t.Errorf("Merge(%q) = %+v, want the entry in %s and current context work", explicit, got, first)
		}
		if c := mustRead(t, first).CurrentContext; c != "" {
			t.Errorf("current-context %q was set in the first file and hides the user's choice in the second", c)
		}
	}
}

func TestMergeLeavesADamagedFileAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	mustWrite(t, path, "clusters: [\n", 0o600)
	_, err := Merge(context.Background(), path, causeway)
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "--kubeconfig") {
		t.Errorf("error = %v, want one that names the file and the flag", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "clusters: [\n" {
		t.Errorf("the damaged file was changed to %q", data)
	}
}

func TestFilesArePrivateAndLinksAreFollowed(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "real"), filepath.Join(dir, "link")
	mustWrite(t, target, other, 0o644)
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time the content is the same already
		if err := os.Chmod(target, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Merge(context.Background(), link, causeway); err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(link)
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("the link was replaced by a file (mode %v, error %v)", info.Mode(), err)
		}
		if info, _ := os.Stat(target); info.Mode().Perm() != 0o600 {
			t.Errorf("mode = %v, want 0600", info.Mode())
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("files left over: %v (%v)", left, err)
	}
}

func TestConcurrentMergesLoseNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	const n = 8
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if _, err := Merge(context.Background(), path, Entry{Name: fmt.Sprintf("c%d", i), Server: "https://c"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := len(mustRead(t, path).Contexts); got != n {
		t.Errorf("%d contexts survived, want %d", got, n)
	}
}

func TestMergeSaysWhichLockIsInTheWay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	mustWrite(t, path+".lock", "", 0o600)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Merge(ctx, path, causeway)
	if err == nil || !strings.Contains(err.Error(), path+".lock") {
		t.Errorf("error = %v, want one that names the lock", err)
	}
	if _, err := os.Stat(path + ".lock"); err != nil {
		t.Errorf("somebody else's lock was removed: %v", err)
	}
}

func TestEntryConfigIsAcceptedByClients(t *testing.T) {
	e := causeway
	e.CA = nil
	e.ClientCert, e.ClientKey = []byte("cert"), []byte("key")
	config := clientcmd.NewDefaultClientConfig(*e.Config(), nil)
	got, err := config.ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	if got.Host != e.Server || got.BearerToken != e.Token || string(got.CertData) != "cert" {
		t.Errorf("client configuration = %v, want the entry's server and credentials", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(other))
	f.Add([]byte(""))
	f.Add([]byte(`{"apiVersion":"v1","kind":"Config","clusters":[{"name":"a","cluster":null}]}`))
	f.Add([]byte("clusters:\n- name: a\ncontexts:\n- name: a\n  context:\nusers:\n- user: {}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err != nil {
			return
		}
		causeway.addTo(c)
		written, err := clientcmd.Write(*c)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := Parse(written)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, written)
		}
		if again.Contexts["causeway"] == nil || len(again.Contexts) != len(c.Contexts) {
			t.Errorf("contexts before %v, after %v", c.Contexts, again.Contexts)
		}
	})
}
