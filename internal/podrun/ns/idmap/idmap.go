//go:build linux

package idmap

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
)

// Map are the numbers that there are.
type Map []Range

// Range are Size numbers from First on.
type Range struct{ First, Size uint32 }

// Users are those of this process' user namespace.
func Users() Map { return read("/proc/thread-self/uid_map") }

// Groups are those of this process' user namespace.
func Groups() Map { return read("/proc/thread-self/gid_map") }

// GroupsFixed reports whether a process may not change its supplementary
// groups, as is so where an ordinary user has mapped himself.
func GroupsFixed() bool {
	text, err := os.ReadFile("/proc/thread-self/setgroups")
	return err == nil && strings.TrimSpace(string(text)) == "deny"
}

func read(path string) Map {
	f, err := os.Open(path)
	if err != nil {
		return Map{{0, math.MaxUint32}} // a kernel without user namespaces
	}
	defer f.Close()
	m, err := parse(f)
	if err != nil {
		return nil
	}
	return m
}

// parse reads lines of three numbers: first inside, first outside, how many
// (user_namespaces(7)).
func parse(r io.Reader) (Map, error) {
	var m Map
	for {
		var first, outside, size uint32
		switch _, err := fmt.Fscan(r, &first, &outside, &size); err {
		case nil:
			m = append(m, Range{first, size})
		case io.EOF:
			return m, nil
		default:
			return nil, fmt.Errorf("reading the users of a namespace: %w", err)
		}
	}
}

// Has reports whether there is that one.
func (m Map) Has(id uint32) bool {
	for _, r := range m {
		if id >= r.First && id-r.First < r.Size {
			return true
		}
	}
	return false
}

// All reports whether there are all that a machine has.
func (m Map) All() bool { return len(m) == 1 && m[0] == Range{0, math.MaxUint32} }
