package conn_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/causeway-access/causeway/internal/conn"
)

// TestWhileConnectedTellsWhyItEnds takes a connection over and has it break, or
// has the server be done with it.
func TestWhileConnectedTellsWhyItEnds(t *testing.T) {
	for _, row := range []struct {
		name string
		end  func(client net.Conn, done func())
		want error
	}{
		{"the client goes", func(client net.Conn, _ func()) { client.Close() }, conn.ErrDisconnected},
		{"the server is done", func(_ net.Conn, done func()) { done() }, context.Canceled},
	} {
		t.Run(row.name, func(t *testing.T) {
			type upgraded struct {
				ctx  context.Context
				done func()
			}
			taken := make(chan upgraded, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w, r, done := conn.WhileConnected(w, r)
				c, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					t.Error(err)
					close(taken)
					return
				}
				defer c.Close()
				taken <- upgraded{r.Context(), done}
				<-r.Context().Done()
			}))
			defer server.Close()
			client, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			fmt.Fprint(client, "GET / HTTP/1.1\r\nHost: here\r\n\r\n")
			u, ok := <-taken
			if !ok {
				return
			}
			row.end(client, u.done)
			select {
			case <-u.ctx.Done():
			case <-time.After(time.Minute):
				t.Fatal("the context does not end")
			}
			if got := context.Cause(u.ctx); !errors.Is(got, row.want) {
				t.Errorf("it ended by %v, want %v", got, row.want)
			}
		})
	}
}

// TestWhatWasReadEarlyComesFirst sends data in one packet with the request.
func TestWhatWasReadEarlyComesFirst(t *testing.T) {
	got := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w, _, done := conn.WhileConnected(w, r)
		defer done()
		c, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		line, err := buffered.ReadString('\n')
		if err != nil {
			t.Error(err)
		}
		rest, err := buffered.ReadString('\n')
		if err != nil {
			t.Error(err)
		}
		got <- line + rest
	}))
	defer server.Close()
	client, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	fmt.Fprint(client, "GET / HTTP/1.1\r\nHost: here\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nearly\n")
	fmt.Fprint(client, "late\n")
	select {
	case text := <-got:
		if text != "early\nlate\n" {
			t.Errorf("read %q", text)
		}
	case <-time.After(time.Minute):
		t.Fatal("nothing is read")
	}
}
