//go:build linux

package pod

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/ns/idmap"
	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
)

// account is who a program runs as.
type account struct {
	syscall.Credential
	home string
}

// accountOf finds a container's user in its own files; the calling thread is
// in its root. user is from the image, unless the pod says another.
func accountOf(c *wire.Container) (account, error) {
	a := account{home: "/"}
	user, group, _ := strings.Cut(c.User, ":")
	s := c.Config.Security
	if s.User != nil {
		user, group = strconv.FormatInt(*s.User, 10), ""
	}
	if user == "" {
		user = "0"
	}
	name := user
	line := find("/etc/passwd", user)
	switch uid, err := strconv.ParseUint(user, 10, 31); {
	case line != nil && len(line) >= 6:
		name, a.home = line[0], line[5]
		a.Uid, a.Gid = number(line[2]), number(line[3])
	case err == nil:
		a.Uid = uint32(uid)
	default:
		return a, fmt.Errorf("%w: unable to find user %s: no matching entries in passwd file", podrun.ErrCannotStart, user)
	}
	if group != "" {
		gid, err := strconv.ParseUint(group, 10, 31)
		if line := find("/etc/group", group); line != nil {
			gid, err = uint64(number(line[2])), nil
		}
		if err != nil {
			return a, fmt.Errorf("%w: unable to find group %s: no matching entries in group file", podrun.ErrCannotStart, group)
		}
		a.Gid = uint32(gid)
	}
	if s.Group != nil {
		a.Gid = uint32(*s.Group)
	}
	a.Groups = append(memberships(name), a.Gid)
	for _, g := range s.Groups {
		a.Groups = append(a.Groups, uint32(g))
	}
	return a, a.exist(s.Groups)
}

// exist says which of a user, his group and those that were asked for there is
// not in this user namespace. Groups that the image's files say he is in are
// left out there.
func (a *account) exist(asked []int64) error {
	users, groups := idmap.Users(), idmap.Groups()
	if users.All() && groups.All() {
		return nil
	}
	const why = "the node's agent runs as an ordinary user, who is user 0 in its pods and no other; run it as root for others"
	if !users.Has(a.Uid) {
		return fmt.Errorf("%w: there is no user %d: %s", podrun.ErrCannotStart, a.Uid, why)
	}
	a.NoSetGroups = idmap.GroupsFixed()
	for i, g := range append([]int64{int64(a.Gid)}, asked...) {
		if !groups.Has(uint32(g)) || i > 0 && a.NoSetGroups && uint32(g) != a.Gid {
			return fmt.Errorf("%w: there is no group %d: %s", podrun.ErrCannotStart, g, why)
		}
	}
	a.Groups = slices.DeleteFunc(a.Groups, func(g uint32) bool { return !groups.Has(g) })
	return nil
}

// find returns the fields of the line whose name or number is key.
func find(file, key string) []string {
	for _, line := range table(file) {
		if len(line) < 4 || line[0] != key && line[2] != key {
			continue
		}
		// A damaged line must not make anybody root.
		if _, err := strconv.ParseUint(line[2], 10, 31); err == nil {
			return line
		}
	}
	return nil
}

// memberships are the groups that a user is in beside his own.
func memberships(user string) []uint32 {
	groups := []uint32{}
	for _, line := range table("/etc/group") {
		if len(line) < 4 {
			continue
		}
		for member := range strings.SplitSeq(line[3], ",") {
			if member == user {
				groups = append(groups, number(line[2]))
			}
		}
	}
	return groups
}

// table reads a file of lines with colons. A file that is not there is empty.
func table(file string) [][]string {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	var lines [][]string
	for s := bufio.NewScanner(f); s.Scan(); {
		lines = append(lines, strings.Split(s.Text(), ":"))
	}
	return lines
}

func number(text string) uint32 {
	n, _ := strconv.ParseUint(text, 10, 31)
	return uint32(n)
}
