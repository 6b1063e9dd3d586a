package gateway_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// channels opens the older WebSocket and returns what reads the next message of
// a channel.
func (w *world) channels(path, protocol string) (*websocket.Conn, error) {
	dialer := websocket.Dialer{Subprotocols: []string{protocol}}
	ws, _, err := dialer.DialContext(w.t.Context(), strings.Replace(w.URL, "http", "ws", 1)+path, http.Header{"Authorization": {"Bearer alice-token"}})
	return ws, err
}

// Two ports of a service over one WebSocket: each channel begins with its port,
// a port that cannot be reached says so on its own, and the client's end ends
// the connection to the backend.
func TestPortForwardByChannels(t *testing.T) {
	ended := make(chan struct{})
	at := visits(t, func(in *bufio.Reader, c net.Conn) {
		_, _ = io.Copy(c, c) // until the client is gone
		close(ended)
	})
	w := newWorld(t, nil, service("db", at)...)
	ws, err := w.channels("/api/v1/namespaces/default/services/db/portforward?ports=80,81", "v4.channel.k8s.io")
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	if err := ws.WriteMessage(websocket.BinaryMessage, []byte("\x00hello")); err != nil {
		t.Fatal(err)
	}
	var got [4]bytes.Buffer
	for got[0].Len() < 7 || got[3].Len() <= 2 {
		_, message, err := ws.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		got[message[0]].Write(message[1:])
	}
	prefix := func(port uint16) string { return string(binary.LittleEndian.AppendUint16(nil, port)) }
	want := [4]string{
		prefix(80) + "hello", prefix(80), prefix(81),
		prefix(81) + `error forwarding port 81 to service "db": no service port 81 found for service "db"`,
	}
	for i := range got {
		if got[i].String() != want[i] {
			t.Errorf("channel %d: %q, want %q", i, got[i].String(), want[i])
		}
	}
	ws.Close()
	<-ended
}

// The backend's end closes the WebSocket after all that it has sent, in base64
// if the client wants it so.
func TestPortForwardChannelsEndWithTheBackend(t *testing.T) {
	at := visits(t, func(_ *bufio.Reader, c net.Conn) { fmt.Fprint(c, "bye") })
	w := newWorld(t, forwardPods, runningPod("db-0", at))
	path := fmt.Sprintf("/api/v1/namespaces/default/pods/db-0/portforward?ports=%d", at.Port())
	ws, err := w.channels(path, "v4.base64.channel.k8s.io")
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	var all strings.Builder
	for {
		_, message, err := ws.ReadMessage()
		if err != nil {
			break
		}
		if message[0] == '0' {
			all.Write(message[1:])
		}
	}
	if !strings.HasSuffix(all.String(), "Ynll") { // bye
		t.Errorf("got %q", all.String())
	}
}
