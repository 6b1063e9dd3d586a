package gateway

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"k8s.io/streaming/pkg/httpstream/wsstream"

	"github.com/causeway-access/causeway/internal/fault"
)

// The older WebSocket protocol, which the Python and JavaScript clients speak:
// the ports are parameters of the URL, each has a connection as long as the
// WebSocket lasts, and channels 2i and 2i+1 are its data and its error. There
// is no half close.
const (
	channelProtocol       = "v4." + wsstream.ChannelWebSocketProtocol
	channelProtocolBase64 = "v4." + wsstream.Base64ChannelWebSocketProtocol
	// maxChannelPorts is how many ports a channel's number, a byte, allows.
	maxChannelPorts = 127
)

// errGone says that the client's WebSocket has ended.
var errGone = errors.New("the client is gone")

func offersChannels(r *http.Request) bool {
	offered := websocket.Subprotocols(r)
	return strings.EqualFold(upgradeOf(r), "websocket") &&
		(slices.Contains(offered, channelProtocol) || slices.Contains(offered, channelProtocolBase64))
}

// portsOf reads the ports parameters: port numbers, separated by commas.
func portsOf(query url.Values) ([]uint16, error) {
	var ports []uint16
	for _, value := range query["ports"] {
		for text := range strings.SplitSeq(value, ",") {
			n, err := strconv.ParseUint(text, 10, 16)
			if err != nil || n == 0 {
				return nil, fmt.Errorf("%q is no port number", text)
			}
			ports = append(ports, uint16(n))
		}
	}
	if len(ports) == 0 || len(ports) > maxChannelPorts {
		return nil, fmt.Errorf("the parameter ports must name 1 to %d ports", maxChannelPorts)
	}
	return ports, nil
}

func (f *forwarding) serveChannels(w *hijackable, r *http.Request) error {
	ports, err := portsOf(r.URL.Query())
	if err != nil {
		return fault.Wrap(fault.BadRequest, "gateway.portForward", err.Error(), err)
	}
	kinds := make([]wsstream.ChannelType, 2*len(ports))
	for i := range ports {
		kinds[2*i], kinds[2*i+1] = wsstream.ReadWriteChannel, wsstream.WriteChannel
	}
	ws := wsstream.NewConn(map[string]wsstream.ChannelProtocolConfig{
		channelProtocol:       {Binary: true, Channels: kinds},
		channelProtocolBase64: {Binary: false, Channels: kinds},
	})
	_, channels, err := ws.Open(w, r)
	if err != nil {
		return nil //nolint:nilerr // Open has answered
	}
	ctx, cancel := context.WithCancel(f.g.base)
	defer cancel()
	var all sync.WaitGroup
	for i, port := range ports {
		all.Go(func() { f.channel(ctx, port, &channel{channels[2*i]}, channels[2*i+1]) })
	}
	all.Wait()
	w.raw.Close() // before ws, which would wait to tell the client
	ws.Close()
	return nil
}

// channel serves one port.
func (f *forwarding) channel(ctx context.Context, port uint16, data *channel, failure io.WriteCloser) {
	prefix := binary.LittleEndian.AppendUint16(nil, port)
	for _, to := range []io.Writer{data, failure} {
		if _, err := to.Write(prefix); err != nil {
			return // the client is gone
		}
	}
	number := strconv.Itoa(int(port))
	c, err := f.dial(ctx, number)
	if err != nil {
		// A failure means that the client is gone.
		_, _ = fmt.Fprintf(failure, "error forwarding port %s to %s %q: %s", number, singular(f.target.Resource), f.target.Name, fault.Status(err).Message)
		data.Close()
		return
	}
	f.relay(ctx, data, c)
}

// channel is a data channel as a connection that cannot be half closed: with
// the backend's end the port has ended, and with the client's all have.
type channel struct{ io.ReadWriteCloser }

func (c *channel) Read(p []byte) (int, error) {
	n, err := c.ReadWriteCloser.Read(p)
	if err == io.EOF {
		err = errGone
	}
	return n, err
}

// LocalAddr, RemoteAddr and the deadlines are there to make it a [net.Conn];
// copying asks for none of them.
func (c *channel) LocalAddr() net.Addr              { return nil }
func (c *channel) RemoteAddr() net.Addr             { return nil }
func (c *channel) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (c *channel) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (c *channel) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }
