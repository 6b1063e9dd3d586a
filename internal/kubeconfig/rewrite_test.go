package kubeconfig

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// written is a file as a person keeps it: comments, an order of his own, a
// field of a program that we do not know.
const written = `# My clusters. Ask Ann before changing the second.
apiVersion: v1
kind: Config
current-context: work # the one for weekdays
contexts:
- name: work
  context: {cluster: work, user: me}
clusters:
# Runs in the basement.
- name: work
  cluster:
    server: https://work.example
    color: green # for the prompt
users:
- name: me
  user:
    token: abc
x-theme: dark
`

const entryLines = `- name: new
  context:
    cluster: new
    user: new-admin
`

func TestWhatIsNotChangedStaysAsItIsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	mustWrite(t, path, written, 0o600)
	if _, err := MergeAndSelect(context.Background(), path, Entry{Name: "new", Server: "https://new.example", Token: "xyz"}); err != nil {
		t.Fatal(err)
	}
	want := `# My clusters. Ask Ann before changing the second.
apiVersion: v1
kind: Config
current-context: new # the one for weekdays
contexts:
- name: work
  context: {cluster: work, user: me}
- context:
    cluster: new
    user: new-admin
  name: new
clusters:
# Runs in the basement.
- name: work
  cluster:
    server: https://work.example
    color: green # for the prompt
- cluster:
    server: https://new.example
  name: new
users:
- name: me
  user:
    token: abc
- name: new-admin
  user:
    token: xyz
x-theme: dark
`
	if diff := cmp.Diff(want, mustReadText(t, path)); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}

	removed, err := Remove(context.Background(), path, "")
	if err != nil {
		t.Fatal(err)
	}
	if wantRemoved := (Removed{Path: path, Server: "https://new.example", Current: true}); removed != wantRemoved {
		t.Errorf("Remove = %+v, want %+v", removed, wantRemoved)
	}
	again := strings.Replace(written, "current-context: work", `current-context: ""`, 1)
	if diff := cmp.Diff(again, mustReadText(t, path)); diff != "" {
		t.Errorf("removed again (-want +got):\n%s", diff)
	}
}

func mustReadText(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestFilesOfUnusualShapeSayTheSameAfterwards(t *testing.T) {
	for name, text := range map[string]string{
		"JSON":           `{"kind":"Config","apiVersion":"v1","clusters":[{"name":"a","cluster":{"server":"https://a"}}],"contexts":null,"users":[]}`,
		"empty lists":    "clusters: []\ncontexts: []\nusers: []\n",
		"null lists":     "clusters:\ncontexts: ~\nusers: null\n",
		"anchors":        "clusters:\n- &a\n  name: a\n  cluster: {server: https://a}\nusers:\n- name: u\n  user: &u {token: t}\n- name: v\n  user: *u\n",
		"quoted names":   "clusters:\n- name: \"new\"\n  cluster: {server: 'https://new.example'}\n",
		"escaped names":  "clusters:\n- name: \"ne\\u0077\"\n  cluster: {server: 'https://new.example'}\n",
		"a comment only": "# nothing yet\n",
		"two documents":  "clusters:\n- name: a\n  cluster: {server: https://a}\n---\nclusters: []\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config")
			mustWrite(t, path, text, 0o600)
			want := mustRead(t, path)
			e := Entry{Name: "new", Server: "https://new.example", Token: "xyz"}
			e.addTo(want)
			want.CurrentContext = "new"
			if _, err := Merge(context.Background(), path, e); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, mustRead(t, path), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("merged (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatBelongsToOthersIsNotReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	mustWrite(t, path, written, 0o600)
	for _, test := range []struct {
		entry Entry
		kind  string
	}{
		{Entry{Name: "work", User: "other", Server: "https://elsewhere.example"}, "cluster"},
		{Entry{Name: "play", User: "me", Server: "https://play.example"}, "user"},
		{Entry{Name: "work", User: "me", Server: "https://work.example"}, ""},
	} {
		_, err := MergeAndSelect(context.Background(), path, test.entry)
		var taken *TakenError
		switch {
		case test.kind == "" && err != nil:
			t.Errorf("%+v: %v", test.entry, err)
		case test.kind != "" && (!errors.As(err, &taken) || taken.Kind != test.kind):
			t.Errorf("%+v: error %v, want that the %s is taken", test.entry, err, test.kind)
		case test.kind != "" && mustReadText(t, path) != written:
			t.Errorf("%+v: refused, but the file was changed", test.entry)
		}
	}
}

func TestRemoveKeepsWhatOthersNeed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	c := api.NewConfig()
	Entry{Name: "a", User: "shared", Server: "https://a"}.addTo(c)
	Entry{Name: "b", User: "shared", Server: "https://b"}.addTo(c)
	c.CurrentContext = "b"
	if err := Write(path, c); err != nil {
		t.Fatal(err)
	}
	if _, err := Remove(context.Background(), path, "a"); err != nil {
		t.Fatal(err)
	}
	delete(c.Contexts, "a")
	delete(c.Clusters, "a")
	if diff := cmp.Diff(c, mustRead(t, path), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := Remove(context.Background(), path, "a"); err == nil || !strings.Contains(err.Error(), `no context "a"`) {
		t.Errorf("removing what is not there: %v", err)
	}
}

// The settings by which a person made a cluster reachable are no credentials:
// logging in again keeps them.
func TestMergeKeepsHowTheServerIsReached(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	mustWrite(t, path, strings.Replace(written, "color: green", "proxy-url: socks5://127.0.0.1:1080", 1), 0o600)
	e := Entry{Name: "work", User: "me", Server: "https://work.example"}
	if _, err := MergeAndSelect(context.Background(), path, e); err != nil {
		t.Fatal(err)
	}
	if got := mustRead(t, path).Clusters["work"].ProxyURL; got == "" {
		t.Error("the proxy is gone")
	}
	e.Server = "https://new.example"
	if _, err := Merge(context.Background(), path, e); err != nil {
		t.Fatal(err)
	}
	if got := mustRead(t, path).Clusters["work"].ProxyURL; got != "" {
		t.Errorf("the proxy %s of another server was kept", got)
	}
}

func TestAThousandContextsAreNoLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	var text strings.Builder
	text.WriteString("# kept by hand\n")
	c := api.NewConfig()
	for i := range 1000 {
		Entry{Name: "c" + strings.Repeat("x", i%7) + time.Duration(i).String(), Server: "https://c", Token: "t"}.addTo(c)
	}
	data, err := clientcmd.Write(*c)
	if err != nil {
		t.Fatal(err)
	}
	text.Write(data)
	mustWrite(t, path, text.String(), 0o600)
	begun := time.Now()
	if _, err := Merge(context.Background(), path, causeway); err != nil {
		t.Fatal(err)
	}
	t.Logf("merging into %d contexts, %d KiB: %v", len(c.Contexts), text.Len()>>10, time.Since(begun))
	if got := mustReadText(t, path); !strings.HasPrefix(got, "# kept by hand\n") || len(mustRead(t, path).Contexts) != 1001 {
		t.Error("the comment or a context is lost")
	}
}

func FuzzRewrite(f *testing.F) {
	for _, seed := range []string{written, other, "", "clusters: []\n", entryLines, `{"clusters":[{"name":"new"}]}`, "users:\n- &a {name: new}\n- *a\n", "clusters: &c\n- name: x\ncontexts: *c\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before, err := Parse(data)
		if err != nil {
			return
		}
		after := before.DeepCopy()
		Entry{Name: "new", Server: "https://new", Token: "t"}.addTo(after)
		after.CurrentContext = "new"
		delete(after.Clusters, "x")
		text, err := rewrite(data, before, after)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := clientcmd.Write(*after)
		if err != nil {
			t.Fatal(err)
		}
		if !says(text, plain) {
			t.Errorf("rewritten:\n%s\nwant what says:\n%s", text, plain)
		}
	})
}
