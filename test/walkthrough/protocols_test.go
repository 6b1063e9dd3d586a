//go:build host && root

package walkthrough

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/causeway-access/causeway/test/inside"
)

// nobody is a user whom PostgreSQL runs for; it does not for root.
const nobody = 65534

// TestOtherProtocolsThanHTTP has psql, redis-cli and ssh reach real servers.
func TestOtherProtocolsThanHTTP(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	mustRun(t, "mount", "-t", "tmpfs", "tmpfs", "/run")
	mustRun(t, "mkdir", "--mode=0755", "/run/sshd") // which sshd wants to be there
	programs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(programs) == 0 {
		t.Fatalf("PostgreSQL is not there: %v", err)
	}
	h := newHome(t)
	if err := os.Chmod(h.dir, 0o711); err != nil {
		t.Fatal(err)
	}
	database := h.path("database")
	if err := os.Mkdir(database, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(database, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	up := start(t, h.up())
	runScripts(t, "testdata/protocols", map[string]string{
		"ADMIN": up.AdminKubeconfig, "POSTGRES": programs[0], "DATABASE": database,
	})
}
