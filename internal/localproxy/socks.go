package localproxy

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/causeway-access/causeway/internal/portforward"
)

// SOCKS5, RFC 1928: of it CONNECT, with host names, without authentication.
const (
	socksVersion  = 5
	socksNoAuth   = 0
	socksNoMethod = 0xff
	socksConnect  = 1
	socksIPv4     = 1
	socksName     = 3
	socksIPv6     = 4
	// socksTime bounds what comes before the connection is made.
	socksTime = 30 * time.Second
)

// The replies of a SOCKS server.
const (
	socksOK            = 0
	socksFailed        = 1
	socksNotAllowed    = 2
	socksNoHost        = 4
	socksRefused       = 5
	socksNoCommand     = 7
	socksNoAddressType = 8
)

// socksError is a request that cannot be served, with the reply to it.
type socksError struct {
	reply byte
	why   string
}

func (e *socksError) Error() string { return e.why }

// readSOCKSMethods reads the client's greeting and reports whether he may go
// without authentication.
func readSOCKSMethods(r io.Reader) (noAuth bool, err error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return false, err
	}
	if head[0] != socksVersion {
		return false, fmt.Errorf("SOCKS version %d", head[0])
	}
	methods := make([]byte, head[1])
	if _, err := io.ReadFull(r, methods); err != nil {
		return false, err
	}
	for _, m := range methods {
		if m == socksNoAuth {
			return true, nil
		}
	}
	return false, nil
}

// readSOCKSRequest reads what the client wants to be connected to, as
// host:port. It reads no byte more.
func readSOCKSRequest(r io.Reader) (string, error) {
	var head [4]byte // version, command, reserved, address type
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", err
	}
	var size [1]byte
	switch head[3] {
	case socksIPv4:
		size[0] = net.IPv4len
	case socksIPv6:
		size[0] = net.IPv6len
	case socksName:
		if _, err := io.ReadFull(r, size[:]); err != nil {
			return "", err
		}
	default:
		return "", &socksError{socksNoAddressType, fmt.Sprintf("SOCKS address type %d", head[3])}
	}
	address := make([]byte, int(size[0])+2)
	if _, err := io.ReadFull(r, address); err != nil {
		return "", err
	}
	host, port := address[:size[0]], binary.BigEndian.Uint16(address[size[0]:])
	switch {
	case head[0] != socksVersion:
		return "", &socksError{socksFailed, fmt.Sprintf("SOCKS version %d", head[0])}
	case head[1] != socksConnect:
		return "", &socksError{socksNoCommand, fmt.Sprintf("SOCKS command %d: only CONNECT is served", head[1])}
	case head[3] != socksName:
		return "", &socksError{socksNotAllowed, fmt.Sprintf("%s is an address: let the proxy resolve names (socks5h, remote DNS)", net.IP(host))}
	}
	return net.JoinHostPort(string(host), strconv.Itoa(int(port))), nil
}

// serveSOCKS serves one connection, and closes it.
func (t *tunnels) serveSOCKS(client net.Conn) {
	defer client.Close()
	stop := context.AfterFunc(t.life, func() { client.Close() })
	defer stop()
	_ = client.SetDeadline(time.Now().Add(socksTime)) // if it cannot, the reads below fail
	noAuth, err := readSOCKSMethods(client)
	if err != nil {
		return
	}
	if !noAuth {
		_, _ = client.Write([]byte{socksVersion, socksNoMethod}) // the connection ends either way
		return
	}
	if _, err := client.Write([]byte{socksVersion, socksNoAuth}); err != nil {
		return
	}
	target, port, backend, err := t.dialSOCKS(client)
	if err != nil {
		t.log.Debug("a SOCKS request was not served", "error", err)
		_, _ = client.Write(socksReply(replyTo(err))) // the connection ends either way
		return
	}
	defer backend.Close()
	if _, err := client.Write(socksReply(socksOK)); err != nil {
		return
	}
	_ = client.SetDeadline(time.Time{}) // as above
	t.relay(client, backend, target, port)
}

func (t *tunnels) dialSOCKS(client io.Reader) (target portforward.Target, port uint16, backend net.Conn, err error) {
	authority, err := readSOCKSRequest(client)
	if err != nil {
		return target, port, nil, err
	}
	if target, port, err = t.resolve(authority, http.MethodConnect); err != nil {
		return target, port, nil, err
	}
	backend, err = t.dialer.Dial(t.life, target, port)
	return target, port, backend, err
}

// socksReply is a reply; nobody needs the address that it has room for.
func socksReply(code byte) []byte {
	return []byte{socksVersion, code, 0, socksIPv4, 0, 0, 0, 0, 0, 0}
}

// replyTo returns the reply that fits an error.
func replyTo(err error) byte {
	var socks *socksError
	var refused *portforward.RefusedError
	switch {
	case errors.As(err, &socks):
		return socks.reply
	case errors.As(err, &refused):
		return socksRefused
	}
	switch statusFor(err) {
	case http.StatusForbidden:
		return socksNotAllowed
	case http.StatusNotFound:
		return socksNoHost
	}
	return socksFailed
}
