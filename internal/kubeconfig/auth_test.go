package kubeconfig

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"
)

// The file as a user of 2015 found it in ~/.kube.
const authOf2015 = `{
  "User": "admin",
  "Password": "walkthrough-2015",
  "CAFile": "/home/user/.kube/kubernetes.ca.crt",
  "CertFile": "kubecfg.crt",
  "KeyFile": "kubecfg.key"
}
`

func TestReadAuthTakesRelativeNamesFromItsDirectory(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kubernetes_auth")
	mustWrite(t, path, authOf2015, 0o600)
	got, err := ReadAuth(path)
	if err != nil {
		t.Fatal(err)
	}
	want := Auth{
		User: "admin", Password: "walkthrough-2015", CAFile: "/home/user/.kube/kubernetes.ca.crt",
		CertFile: filepath.Join(dir, "kubecfg.crt"), KeyFile: filepath.Join(dir, "kubecfg.key"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ReadAuth (-want +got):\n%s", diff)
	}
}

func TestWriteAuthIsReadBackAndPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kubernetes_auth")
	yes := true
	want := Auth{User: "admin", Password: "p", CertFile: "/c", KeyFile: "/k", Insecure: &yes}
	if err := WriteAuth(path, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadAuth(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, want 0600", info.Mode())
	}
}

func TestParseAuthRefuses(t *testing.T) {
	for _, test := range []struct{ name, data, want string }{
		{"not JSON", `User: admin, Password: hunter2`, "not a kubernetes_auth file"},
		{"wrong type", `{"User":"admin","Password":["hunter2"]}`, "not a kubernetes_auth file"},
		{"nothing in it", `{"CAFile":"ca.crt"}`, "no credential"},
		{"password without user", `{"Password":"hunter2"}`, "no User"},
		{"certificate without key", `{"User":"a","CertFile":"c"}`, "go together"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseAuth([]byte(test.data))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error = %v, want %q in it", err, test.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

func TestAuthEntryIsAcceptedByClients(t *testing.T) {
	yes := true
	for _, test := range []struct {
		name string
		auth Auth
	}{
		{"user and password", Auth{User: "admin", Password: "p"}},
		{"token beside user", Auth{User: "admin", Password: "p", BearerToken: "t"}},
		{"insecure beside authority", Auth{User: "admin", Password: "p", CAFile: "/ca", Insecure: &yes}},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := AuthEntry("old", "https://127.0.0.1:6443", test.auth)
			if _, err := clientcmd.NewDefaultClientConfig(*e.Config(), nil).ClientConfig(); err != nil {
				t.Error(err)
			}
		})
	}
}

func FuzzParseAuth(f *testing.F) {
	f.Add([]byte(authOf2015))
	f.Add([]byte(`{"BearerToken":"t","Insecure":true}`))
	f.Add([]byte(`{"user":"lower","password":"case"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := ParseAuth(data)
		if err != nil {
			return
		}
		written, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseAuth(written)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if diff := cmp.Diff(a, again); diff != "" {
			t.Errorf("read, written, read (-first +second):\n%s", diff)
		}
	})
}
