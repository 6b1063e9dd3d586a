//go:build linux

package userns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Name is the name by which this program is called when it is to prepare its
// namespaces.
const Name = "causeway-namespaces"

// What it is to do then.
const (
	try    = "try"  // make one of everything that pods need, and say what failed
	run    = "run"  // become the program with the arguments that follow
	holdOn = "hold" // keep them for programs that come and go; see hold
)

// Main is the whole process if it is called as [Name]: then it does not return.
// A program that is run in namespaces calls it first of all.
func Main(args []string) {
	if len(args) < 2 || args[0] != Name {
		return
	}
	err := prepare()
	if err == nil && args[1] == try {
		err = trial()
	}
	if err == nil && args[1] == run {
		err = become(args[2:])
	}
	if err == nil && args[1] == holdOn {
		err = hold(args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Command runs this program in namespaces, called by args[0] and with the rest
// as its arguments. The caller starts it. The process stays the same one
// throughout, so that it can be sent signals and waited for.
func Command(ctx context.Context, args ...string) *exec.Cmd {
	return command(ctx, append([]string{run}, args...))
}

// Possible says why the machine does not let this user have namespaces in which
// pods can run, and what to do about it; nil if it does.
func Possible(ctx context.Context) error {
	var said bytes.Buffer
	cmd := command(ctx, []string{try})
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("trying namespaces of an ordinary user: %w", ctx.Err())
	}
	if text := strings.TrimSpace(said.String()); text != "" {
		err = errors.New(text)
	}
	return fmt.Errorf("the machine lets this user make no namespaces for pods: %w%s", err, advice())
}

func command(ctx context.Context, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Args = append([]string{Name}, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
	}
	return cmd
}

// prepare makes new namespaces usable.
func prepare() error {
	// What the machine mounts is seen, what is mounted here stays here.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("separating the mounts: %w", err)
	}
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err != nil {
		return fmt.Errorf("setting up loopback: %w", err)
	}
	return nil
}

// trial makes what pods are made of. It ends with this process.
func trial() error {
	dir, err := os.MkdirTemp("", "causeway-trial-")
	if err != nil {
		return err
	}
	defer os.Remove(dir)
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		return fmt.Errorf("mounting: %w", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	for _, name := range []string{"lower", "upper", "work", "root"} {
		if err := os.Mkdir(dir+"/"+name, 0o700); err != nil {
			return err
		}
	}
	options := fmt.Sprintf("lowerdir=%[1]s/lower,upperdir=%[1]s/upper,workdir=%[1]s/work,userxattr", dir)
	if err := unix.Mount("overlay", dir+"/root", "overlay", 0, options); err != nil {
		return fmt.Errorf("mounting an overlay: %w", err)
	}
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "here"}, PeerName: "there"}); err != nil {
		return fmt.Errorf("making an interface: %w", err)
	}
	return nil
}

// switches of the system that forbid it, and what each says when it does.
var switches = []struct{ file, forbids, do string }{
	{"/proc/sys/user/max_user_namespaces", "0", "set user.max_user_namespaces to more than 0"},
	{"/proc/sys/kernel/unprivileged_userns_clone", "0", "set kernel.unprivileged_userns_clone=1"},
	{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "set kernel.apparmor_restrict_unprivileged_userns=0, or give the program an AppArmor profile with userns"},
}

// advice says what root can do about it.
func advice() string {
	for _, s := range switches {
		text, err := os.ReadFile(s.file)
		if err == nil && strings.TrimSpace(string(text)) == s.forbids {
			return ": " + s.do + " (sysctl), or run as root"
		}
	}
	return ": run as root, or, in a container, let it have user namespaces"
}
