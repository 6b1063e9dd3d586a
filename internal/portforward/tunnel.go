package portforward

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/gorilla/websocket"
	names "k8s.io/apimachinery/pkg/util/portforward"
	tunnels "k8s.io/client-go/tools/portforward"
)

// tunnel upgrades a connection to a WebSocket that carries SPDY.
func (d *Dialer) tunnel(ctx context.Context, path string) (net.Conn, error) {
	through := &handshake{of: d, ctx: ctx, path: path}
	dialer := websocket.Dialer{
		NetDialContext: func(context.Context, string, string) (net.Conn, error) { return through, nil },
		Subprotocols:   []string{names.WebsocketsSPDYTunnelingPortForwardV1},
		ReadBufferSize: 33 << 10, WriteBufferSize: 33 << 10,
	}
	ws, _, err := dialer.DialContext(ctx, "ws://apiserver"+path, nil)
	if err != nil {
		return nil, err
	}
	if ws.Subprotocol() != names.WebsocketsSPDYTunnelingPortForwardV1 {
		ws.Close()
		return nil, statusError(http.StatusBadRequest, "the API server does not speak "+names.WebsocketsSPDYTunnelingPortForwardV1)
	}
	return &tunnelled{tunnels.NewTunnelingConnection("client", ws), through}, nil
}

// tunnelled is the connection inside a WebSocket.
type tunnelled struct {
	*tunnels.TunnelingConnection
	raw io.Closer
}

// Close says goodbye if it can. The library would wait for somebody to hear of
// an error.
func (t *tunnelled) Close() error {
	_ = t.TunnelingConnection.Close()
	return nil
}

// under returns what is to be closed to end a connection at once.
func under(c net.Conn) io.Closer {
	if t, ok := c.(*tunnelled); ok {
		return t.raw
	}
	return c
}

// handshake is the connection that the WebSocket library thinks it has. The
// request that it writes there goes the API's own way, which knows credentials
// and servers, and it reads the answer, and from then on what was upgraded.
type handshake struct {
	upgraded
	of   *Dialer
	ctx  context.Context
	path string
	head bytes.Buffer
}

func (h *handshake) Write(p []byte) (int, error) {
	if h.ReadWriteCloser != nil {
		return h.ReadWriteCloser.Write(p)
	}
	h.head.Write(p)
	if !bytes.Contains(h.head.Bytes(), []byte("\r\n\r\n")) {
		return len(p), nil
	}
	r, err := http.ReadRequest(bufio.NewReader(&h.head))
	if err != nil {
		return 0, err
	}
	body, resp, err := h.of.send(h.ctx, r.Method, h.path, r.Header)
	if err != nil {
		return 0, err
	}
	var answer bytes.Buffer
	fmt.Fprintf(&answer, "HTTP/1.1 %s\r\n", resp.Status)
	if err := resp.Header.Write(&answer); err != nil {
		body.Close()
		return 0, err
	}
	answer.WriteString("\r\n")
	h.ReadWriteCloser, h.r = body, io.MultiReader(&answer, body)
	return len(p), nil
}
