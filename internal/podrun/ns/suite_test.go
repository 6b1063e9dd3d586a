//go:build linux && host

package ns

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/ns/idmap"
	"github.com/causeway-access/causeway/internal/podrun/suite"
	"github.com/causeway-access/causeway/test/inside"
)

// testConfig is of a runtime of its own: a directory, and control groups that
// nobody else has. It is called in namespaces of the test's own.
func testConfig(t *testing.T) Config {
	t.Helper()
	config := Config{
		Root: filepath.Join(t.TempDir(), "root"), PodCIDR: netip.MustParsePrefix("10.244.7.0/24"),
		CgroupParent: fmt.Sprintf("causeway-test-%d", os.Getpid()),
	}
	if err := os.Mkdir(config.Root, 0o700); err != nil {
		t.Fatal(err)
	}
	return config
}

func open(t *testing.T, config Config) *Runtime {
	t.Helper()
	r, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		if err := r.groups.Remove(""); err != nil {
			t.Error(err)
		}
	})
	return r
}

func TestPodsBehaveAsTheSuiteSays(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	config := testConfig(t)
	r := open(t, config)
	suite.Run(t, suite.Subject{Runtime: r, Image: podrun.HostImage, Ordinary: !idmap.Users().Has(1), Again: func(t *testing.T) podrun.Runtime {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		return again
	}})
}
