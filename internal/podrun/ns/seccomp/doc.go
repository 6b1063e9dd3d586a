// Package seccomp keeps containers from system calls which no ordinary program
// makes, and which reach parts of the kernel that are not made for strangers.
//
// It is of floor 1. The filter names what is refused, not what is allowed: a
// call that a new libc makes works, and what administers the machine does not.
// A capability that a container is given opens the calls that it is about.
package seccomp
