// Package stepwise runs a program and stops it before each of its steps: the
// system calls by which it makes, changes or removes what outlives it, and asks
// other processes for something. A test sees each step before it is taken, and
// may have the program killed there.
//
// The program knows nothing of it. The kernel stops it, by a filter of system
// calls that hands them to another process (seccomp_unotify(2)), and all that it
// starts: those go on without delay worth speaking of when it has been killed. It
// takes Linux 5.19, and the right to filter (root of any user namespace will do).
//
// A test binary that uses it calls [Main] first of all.
package stepwise
