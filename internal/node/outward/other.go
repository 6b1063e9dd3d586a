//go:build !linux

package outward

import (
	"context"
	"errors"
	"net/netip"
)

var errOther = errors.New("pods are run by Linux alone")

func write(Config, uint16, []netip.Prefix) error { return errOther }

// Remove removes a node's rules, if there are any.
func Remove(string) error { return nil }

type relay struct{}

func newRelay(context.Context, Config) (*relay, error) { return nil, errOther }

func (*relay) port() uint16 { return 0 }

func (*relay) close() {}
