package load

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// echo is a server that sends each message back, changed by change.
func echo(t *testing.T, change func([]byte) []byte) string {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer x" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		c, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		for {
			kind, message, err := c.ReadMessage()
			if err != nil || c.WriteMessage(kind, change(message)) != nil {
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func same(message []byte) []byte { return message }

func TestWebSocketCountsRoundTrips(t *testing.T) {
	load := WebSocket{Connections: 3, Size: 128}
	result, err := load.Run(t.Context(), Request{URL: echo(t, same), Authorization: "Bearer x"}, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if err := result.Check(128, 0); err != nil || result.Requests < 3 || result.P50 <= 0 || result.P99 < result.P50 {
		t.Errorf("%+v (%v)", result, err)
	}
}

func TestWebSocketFailsWhereItShould(t *testing.T) {
	other := func(message []byte) []byte { message[5]++; return message }
	for name, row := range map[string]struct {
		url, authorization, want string
	}{
		"refused":         {echo(t, same), "", "401"},
		"another message": {echo(t, other), "Bearer x", "another message"},
	} {
		_, err := WebSocket{Connections: 1, Size: 128}.Run(t.Context(), Request{URL: row.url, Authorization: row.authorization}, time.Second)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
}

func TestIdleConnectionsAreHeld(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if _, err := io.WriteString(w, "answer"); err != nil {
			t.Error(err)
		}
	}))
	server.Config.IdleTimeout = time.Minute
	server.StartTLS()
	defer server.Close()
	request := Request{URL: server.URL}
	idle, err := OpenIdle(t.Context(), request, 20)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if err := idle.Alive(request); err != nil {
		t.Error(err)
	}
	server.CloseClientConnections()
	if err := idle.Alive(request); err == nil {
		t.Error("closed connections are alive")
	}
}
