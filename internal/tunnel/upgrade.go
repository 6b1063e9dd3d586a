package tunnel

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/causeway-access/causeway/internal/conn"
)

// question is a node's to an API server: for a connection of its own, by an
// upgrade.
type question struct {
	path, protocol string
	server         string   // HOST:PORT
	known          []string // servers, as they call themselves, that are not wanted
	tls            func() (*tls.Config, error)
	dial           conn.DialFunc
}

// send returns the connection, and what the server calls itself.
func (q question) send(ctx context.Context) (c net.Conn, name string, err error) {
	config, err := q.tls()
	if err != nil {
		return nil, "", fmt.Errorf("preparing TLS: %w", err)
	}
	config = config.Clone()
	config.NextProtos = []string{"http/1.1"}
	if config.ServerName == "" {
		if config.ServerName, _, err = net.SplitHostPort(q.server); err != nil {
			return nil, "", err
		}
	}
	raw, err := q.dial(ctx, "tcp", q.server)
	if err != nil {
		return nil, "", err
	}
	session := tls.Client(raw, config)
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	upgraded, name, err := q.upgrade(session)
	if err != nil {
		raw.Close()
		return nil, "", cmp.Or(ctx.Err(), err)
	}
	return upgraded, name, nil
}

func (q question) upgrade(session *tls.Conn) (c net.Conn, name string, err error) {
	known := ""
	if len(q.known) > 0 {
		known = haveHeader + ": " + strings.Join(q.known, ", ") + "\r\n"
	}
	_, err = fmt.Fprintf(session, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: causeway-node\r\nConnection: Upgrade\r\nUpgrade: %s\r\n%s\r\n", q.path, q.server, q.protocol, known)
	if err != nil {
		return nil, "", fmt.Errorf("asking for the tunnel: %w", err)
	}
	reader := bufio.NewReader(session)
	response, err := http.ReadResponse(reader, &http.Request{Method: http.MethodGet})
	if err != nil {
		return nil, "", fmt.Errorf("asking for the tunnel: %w", err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		defer response.Body.Close()
		if response.StatusCode == http.StatusConflict {
			return nil, "", errAnother
		}
		text, _ := io.ReadAll(io.LimitReader(response.Body, mostRefusal))
		return nil, "", fmt.Errorf("asking for the tunnel: the server answered %s: %s", response.Status, text)
	}
	return &early{session, reader}, response.Header.Get(nameHeader), nil
}

// early is a connection of which something was read already. That it is TLS is
// not to be seen: which ciphers are good enough is not HTTP/2's to say here.
type early struct {
	net.Conn
	reader *bufio.Reader
}

// Read implements [net.Conn].
func (e *early) Read(p []byte) (int, error) {
	if e.reader.Buffered() > 0 {
		return e.reader.Read(p)
	}
	return e.Conn.Read(p)
}

// asks tells whether a request is for an upgrade to the protocol, and answers
// it if it is not.
func asks(w http.ResponseWriter, r *http.Request, protocol string) bool {
	if strings.EqualFold(r.Header.Get("Upgrade"), protocol) {
		return true
	}
	w.Header().Set("Upgrade", protocol)
	w.Header().Set("Connection", "Upgrade")
	http.Error(w, "this is for the cluster's nodes: want an upgrade of HTTP/1.1 to "+protocol, http.StatusUpgradeRequired)
	return false
}

// knows tells whether who asks does not want the server of that name.
func knows(r *http.Request, name string) bool {
	return name != "" && slices.Contains(strings.Split(r.Header.Get(haveHeader), ", "), name)
}

// turn upgrades the connection of a request. What failed is answered, where that
// is possible.
func turn(w http.ResponseWriter, protocol, name string) (net.Conn, error) {
	c, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		err = fmt.Errorf("the connection cannot be taken over: %w", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return nil, err
	}
	if n := buffered.Reader.Buffered(); n > 0 {
		c.Close()
		return nil, fmt.Errorf("the node sent %d bytes before it was answered", n)
	}
	if name != "" {
		name = nameHeader + ": " + name + "\r\n"
	}
	if _, err := io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+protocol+"\r\n"+name+"\r\n"); err != nil {
		c.Close()
		return nil, fmt.Errorf("answering the node: %w", err)
	}
	return c, nil
}
