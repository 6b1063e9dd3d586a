//go:build !linux

package route

import "net/netip"

func apply(netip.Prefix, []way) []string { return nil }

// Clear has nothing to remove: pods run on Linux.
func Clear(netip.Prefix) error { return nil }
