package kubeconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckSaysWhatIsWrongAndWhere(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"a bracket that is not closed", "clusters:\n- name: a\n  cluster: {server: [x\nusers: []\n", "yaml: line 3"},
		{"a wrong indent", "clusters:\n- name: a\n  cluster:\n    server: x\n   foo: 1\n", "yaml: line 4"},
		{"a number for a list", "apiVersion: v1\nclusters: 5\n", "line 2: json: cannot unmarshal number"},
		{"a list for a word", "clusters:\n- name: a\n  cluster:\n    server: [x]\n", "line 4: json: cannot unmarshal array"},
		{"a word for a user", "users:\n- name: a\n  user: secret\n", "line 3: json: cannot unmarshal string"},
		{"no text", "\x80\x81\x82", "invalid leading UTF-8"},
		{"the same name twice", "users:\n- name: a\n  user: {token: b}\n- name: a\n  user: {token: c}\n", "duplicate name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config")
			mustWrite(t, path, test.text, 0o600)
			t.Setenv("KUBECONFIG", path)
			for _, explicit := range []string{path, ""} {
				err := Check(explicit)
				if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("Check(%q) = %v, want %s and %s in it", explicit, err, path, test.want)
				}
				if err != nil && strings.Contains(err.Error(), "secret") {
					t.Errorf("the error shows what is in the file: %v", err)
				}
			}
			if _, err := Load(path); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Load: %v", err)
			}
		})
	}
}

func TestCheckWithFilesThatAreNotThere(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	t.Setenv("KUBECONFIG", missing)
	if err := Check(""); err != nil {
		t.Errorf("one of $KUBECONFIG: %v", err)
	}
	if err := Check(missing); err == nil || !strings.Contains(err.Error(), "there is no file "+missing) {
		t.Errorf("the one that is named: %v", err)
	}
	if err := Check(os.TempDir()); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a directory: %v", err)
	}
	if c, err := Load(missing); err != nil || len(c.Contexts) != 0 {
		t.Errorf("Load: %v, %v", c, err)
	}
}
