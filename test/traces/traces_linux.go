package traces

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
)

// Place is where to look.
type Place struct {
	// Dir is the directory of what runs pods.
	Dir string
	// Groups is the name of the control group of all pods, below each controller.
	Groups string
}

// Traces are what there is, as the kernel tells it to this process: in its own
// network, and of the processes that it sees.
type Traces struct {
	// Namespaces are the kinds of those of all threads, and of those that an open
	// file holds: a kind as often as there are some.
	Namespaces []string
	// Mounts are those of all namespaces, one as often as there are some with it.
	Mounts []string
	// Links, Addresses, Routes and Rules are of the network.
	Links, Addresses, Routes, Rules []string
	// Groups are control groups, of all controllers.
	Groups []string
	// Files are all below the directory.
	Files []string
	// Processes are all, by their command lines.
	Processes []string
}

// Look looks. What changes meanwhile may be missing.
func Look(at Place) (Traces, error) {
	var t Traces
	var errs []error
	note := func(into *[]string, found []string, err error) {
		slices.Sort(found)
		*into = found
		errs = append(errs, err)
	}
	set := func(into *[]string, look func() ([]string, error)) {
		found, err := look()
		note(into, found, err)
	}
	processes, namespaces, mounts := inProc()
	note(&t.Processes, processes, nil)
	note(&t.Namespaces, namespaces, nil)
	note(&t.Mounts, mounts, nil)
	set(&t.Links, links)
	set(&t.Addresses, addresses)
	set(&t.Routes, routes)
	set(&t.Rules, rules)
	set(&t.Groups, func() ([]string, error) { return groups(at.Groups) })
	set(&t.Files, func() ([]string, error) { return below(at.Dir) })
	return t, errors.Join(errs...)
}

func links() ([]string, error) {
	list, err := netlink.LinkList()
	var names []string
	for _, l := range list {
		names = append(names, l.Type()+" "+l.Attrs().Name)
	}
	return names, err
}

// linkNames are those of interfaces by their numbers, which the kernel gives anew.
func linkNames() (map[int]string, error) {
	list, err := netlink.LinkList()
	names := map[int]string{}
	for _, l := range list {
		names[l.Attrs().Index] = l.Attrs().Name
	}
	return names, err
}

// byKernel says whether an address is one that each interface gets of the kernel
// for IPv6, made of what is random.
func byKernel(ip net.IP) bool { return ip.IsLinkLocalUnicast() && ip.To4() == nil || ip.IsMulticast() }

func addresses() ([]string, error) {
	names, err := linkNames()
	if err != nil {
		return nil, err
	}
	list, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	var texts []string
	for _, a := range list {
		if !byKernel(a.IP) {
			texts = append(texts, fmt.Sprint(a.IPNet, " on ", names[a.LinkIndex]))
		}
	}
	return texts, err
}

func routes() ([]string, error) {
	names, err := linkNames()
	if err != nil {
		return nil, err
	}
	// All tables, or the kernel's own would be missing.
	list, err := netlink.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{}, netlink.RT_FILTER_TABLE)
	var texts []string
	for _, r := range list {
		if r.Dst == nil || !byKernel(r.Dst.IP) {
			texts = append(texts, fmt.Sprint(r.Dst, " table ", r.Table, " on ", names[r.LinkIndex], " by ", r.Protocol))
		}
	}
	return texts, err
}

func rules() ([]string, error) {
	c, err := nftables.New()
	if err != nil {
		return nil, err
	}
	chains, err := c.ListChains()
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, chain := range chains {
		list, err := c.GetRules(chain.Table, chain)
		if err != nil {
			return nil, err
		}
		texts = append(texts, fmt.Sprint("chain ", chain.Table.Name, " ", chain.Name))
		for _, r := range list {
			texts = append(texts, fmt.Sprint("rule of ", chain.Table.Name, " ", chain.Name, ": ", len(r.Exprs), " expressions"))
		}
	}
	return texts, nil
}

// groups finds control groups of a name, and below it, of both versions.
func groups(name string) ([]string, error) {
	const mountpoint = "/sys/fs/cgroup"
	tops, err := filepath.Glob(filepath.Join(mountpoint, "*", name))
	if err != nil {
		return nil, err
	}
	var found []string
	for _, top := range append(tops, filepath.Join(mountpoint, name)) {
		err := filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil && e.IsDir() {
				found = append(found, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

func below(dir string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			found = append(found, strings.TrimPrefix(path, dir))
		}
		return err
	})
	return found, err
}

// namespace is what a link to a namespace says, as in net:[4026531840]. Those of pipes
// and sockets look the same but for the kind.
var namespace = regexp.MustCompile(`^(cgroup|ipc|mnt|net|pid|time|user|uts):\[[0-9]+\]$`)

// inProc reads what /proc says of all threads.
func inProc() (processes, namespaces, mounts []string) {
	held, seen := map[string]bool{}, map[string]bool{}
	tasks, _ := filepath.Glob("/proc/[0-9]*/task/[0-9]*")
	for _, task := range tasks {
		kept, _ := filepath.Glob(task + "/ns/*")
		for _, link := range kept {
			if target, err := os.Readlink(link); err == nil {
				held[target] = true
			}
		}
		own, err := os.Readlink(task + "/ns/mnt")
		if err != nil || seen[own] {
			continue
		}
		seen[own] = true
		mounts = append(mounts, mountsOf(task+"/mountinfo")...)
	}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		line, err := os.ReadFile(dir + "/cmdline")
		if name, _ := os.ReadFile(dir + "/comm"); err == nil && len(line) == 0 {
			line = fmt.Append(nil, "dead: ", string(name))
		}
		if err == nil {
			processes = append(processes, strings.ReplaceAll(string(line), "\x00", " "))
		}
		files, _ := filepath.Glob(dir + "/fd/*")
		for _, file := range files {
			if target, err := os.Readlink(file); err == nil && namespace.MatchString(target) {
				held[target] = true
			}
		}
	}
	for name := range held {
		kind, _, _ := strings.Cut(name, ":")
		namespaces = append(namespaces, kind)
	}
	return processes, namespaces, mounts
}

// mountsOf are a namespace's, without the numbers that the kernel gives them
// anew. One that holds a namespace is told by its kind, nsfs.
func mountsOf(file string) []string {
	text, _ := os.ReadFile(file) // who has ended has none
	var list []string
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		_, kind, found := strings.Cut(line, " - ")
		if len(fields) > 4 && found {
			list = append(list, fmt.Sprintf("%s at %s: %s", fields[3], fields[4], strings.TrimSpace(kind)))
		}
	}
	return list
}
