//go:build !linux

package userspace

import "syscall"

// wait does nothing: whoever reads waits.
func wait(syscall.RawConn) error { return nil }
