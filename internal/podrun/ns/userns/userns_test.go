//go:build linux && host

package userns_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/causeway-access/causeway/internal/podrun/ns/idmap"
	"github.com/causeway-access/causeway/internal/podrun/ns/userns"
)

// insideVariable says what this program is to do in namespaces.
const insideVariable = "CAUSEWAY_TEST_USERNS"

func TestMain(m *testing.M) {
	userns.Main(os.Args)
	if what := os.Getenv(insideVariable); what != "" {
		if err := inside(what, os.Args); err != nil {
			fmt.Println(err)
			os.Exit(7)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// inside is what is run in namespaces.
func inside(what string, args []string) error {
	if what == "forbidden" {
		// This is of this user namespace and those below it alone.
		if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
			return err
		}
		err := userns.Possible(context.Background())
		if err == nil || !strings.Contains(err.Error(), "set user.max_user_namespaces") {
			return fmt.Errorf("where it is forbidden: %v", err)
		}
		return nil
	}
	if strings.Join(args, " ") != "called so" {
		return fmt.Errorf("called with %q", args)
	}
	if os.Geteuid() != 0 || idmap.Users().Has(1) {
		return fmt.Errorf("user %d among %v", os.Geteuid(), idmap.Users())
	}
	if err := syscall.Mount("tmpfs", "/mnt", "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("mounting: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:80")
	if err != nil {
		return err
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return err
	}
	c.Close()
	links, err := net.Interfaces()
	if err != nil || len(links) != 1 {
		return fmt.Errorf("interfaces beside loopback: %v, %v", links, err)
	}
	return nil
}

func TestAProgramIsRootOfItsNamespaces(t *testing.T) {
	if err := userns.Possible(t.Context()); err != nil {
		t.Fatal(err)
	}
	cmd := userns.Command(t.Context(), "called", "so")
	cmd.Env = append(os.Environ(), insideVariable+"=look")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := net.Dial("tcp", "127.0.0.1:80"); err == nil {
		t.Error("what listened in there is reached from here")
	}
}

func TestItSaysWhatForbidsNamespaces(t *testing.T) {
	cmd := userns.Command(t.Context(), "called")
	cmd.Env = append(os.Environ(), insideVariable+"=forbidden")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestATrialEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := userns.Possible(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Root runs the tests once more as a user who is not.
func TestAsAnOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		return
	}
	const nobody = 65534
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.v")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
