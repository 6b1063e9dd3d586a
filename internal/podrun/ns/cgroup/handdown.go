//go:build linux

package cgroup

import (
	"path/filepath"
	"slices"
	"strings"
)

// handDown has each group of version 2 from top down to another give its children
// the controllers that are used: it can give those alone that its own parent has
// given it.
//
// A group with processes gives nothing, but for that of the whole machine. One
// that is all there is to see in a container has them, unless somebody has moved
// them away. The kernel would refuse memory there, and take the others, but then
// no process into a group below; see its cgroup-v2.rst, "No Internal Process
// Constraint" and "Threads".
func handDown(top, to string) {
	if to != top {
		handDown(top, filepath.Dir(to))
	}
	if _, err := read(to, "cgroup.events"); err == nil { // only the machine's has none
		if processes, _ := read(to, "cgroup.procs"); processes != "" {
			return
		}
	}
	text, _ := read(to, "cgroup.controllers")
	var all []string
	for _, c := range strings.Fields(text) {
		if slices.Contains(used2, c) {
			all = append(all, "+"+c)
		}
	}
	// What was not handed down is missing, which Limit goes by.
	_ = write(to, "cgroup.subtree_control", strings.Join(all, " "))
}

// given reports that a group of version 2, or the nearest above it that there is,
// was given a controller.
func (r Root) given(group, controller string) bool {
	for dir := filepath.Join(r.unified, group); ; dir = filepath.Dir(dir) {
		text, err := read(dir, "cgroup.controllers")
		if err == nil || dir == r.top || dir == filepath.Dir(dir) {
			return slices.Contains(strings.Fields(text), controller)
		}
	}
}
