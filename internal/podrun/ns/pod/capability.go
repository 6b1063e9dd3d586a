//go:build linux

package pod

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/causeway-access/causeway/internal/podrun"
)

// usual are the capabilities that a container has if it asks for nothing, as
// with other runtimes.
var usual = []string{
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
	"NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}

// names of the capabilities, at their numbers.
var names = podrun.Capabilities()

// capabilities are those that a container is given, without CAP_.
func capabilities(s podrun.Security) ([]string, error) {
	if s.Privileged {
		return names, nil
	}
	given := slices.Clone(usual)
	for _, name := range clean(s.DropCapabilities) {
		if name == "ALL" {
			given = nil
		}
		given = slices.DeleteFunc(given, func(g string) bool { return g == name })
	}
	for _, name := range clean(s.AddCapabilities) {
		switch {
		case name == "ALL":
			// All but those that are dropped by name.
			for _, n := range names {
				if !slices.Contains(clean(s.DropCapabilities), n) {
					given = append(given, n)
				}
			}
		case !slices.Contains(names, name):
			return nil, fmt.Errorf("%w: there is no capability %s", podrun.ErrCannotStart, name)
		default:
			given = append(given, name)
		}
	}
	slices.Sort(given)
	return slices.Compact(given), nil
}

func clean(list []string) []string {
	list = slices.Clone(list)
	for i, name := range list {
		list[i] = strings.TrimPrefix(strings.ToUpper(name), "CAP_")
	}
	return list
}

// bound keeps the calling thread's children from ever having other
// capabilities than those given. Those of the thread itself go when it
// executes a program, to which it passes none but by being root.
func bound(given []string) error {
	for number, name := range names {
		if slices.Contains(given, name) {
			continue
		}
		err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(number), 0, 0, 0)
		// An older kernel does not know all of them.
		if err != nil && err != unix.EINVAL {
			return fmt.Errorf("dropping the capability %s: %w", name, err)
		}
	}
	return nil
}
