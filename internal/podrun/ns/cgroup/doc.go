// Package cgroup limits and counts what the processes of pods use, with the
// kernel's control groups: version 2, version 1, or both side by side; where
// there are none that may be written, nothing is limited.
//
// It is of floor 1.
package cgroup
