//go:build !linux

package h1

import "syscall"

// watchable says that it cannot be seen whether a client is there without
// reading from its connection: all connections are declined.
const watchable = false

func gone(syscall.RawConn, bool) bool { return false }

func waitReadable(syscall.RawConn) error { return nil }
