//go:build !linux

package conn

import (
	"context"
	"net"
)

// awaitHangup leaves it to those who read the connection.
func awaitHangup(context.Context, net.Conn, func()) {}
