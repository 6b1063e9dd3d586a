package gateway

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/fault"
	"github.com/causeway-access/causeway/internal/observe"
	"github.com/causeway-access/causeway/internal/rewrite"
	"github.com/causeway-access/causeway/internal/transport"
)

// answer is the backend's answer. After an upgrade it holds the connection on
// which it came.
type answer struct {
	*http.Response
	conn    net.Conn // with what was read ahead; nil but after a 101
	closing bool     // the client's connection is to be closed after it
}

// open forwards a request for an upgrade on a connection of its own, and reads
// the head of the answer. Nothing of the two connections is joined before that
// head says 101: a backend that refuses must not leave the client with a raw
// connection to it, behind authorisation (CVE-2018-1002105).
func (g *Gateway) open(out *outgoing, hop transport.Hop) (*answer, error) {
	c, err := g.transport.Dial(out.ctx, hop)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(out.ctx, func() { c.Close() })
	got, err := ask(out, hop, c)
	if !stop() && err == nil {
		err = out.ctx.Err()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return got, nil
}

// ask writes the request and reads the head of the answer.
func ask(out *outgoing, hop transport.Hop, c net.Conn) (*answer, error) {
	r, attempt := out.request(hop)
	if attempt != nil {
		defer attempt.Close()
	}
	if err := r.Write(c); err != nil {
		return nil, &transport.LostError{Err: err}
	}
	ahead := bufio.NewReader(c)
	if _, err := ahead.Peek(1); err != nil {
		return nil, &transport.LostError{Err: err}
	}
	resp, err := head(ahead, r, out)
	if err != nil {
		return nil, &transport.BadError{Err: err}
	}
	switch code := resp.StatusCode; {
	case code == http.StatusSwitchingProtocols:
		if got := resp.Header.Get("Upgrade"); !strings.EqualFold(got, out.upgrade) {
			return nil, &transport.BadError{Err: fmt.Errorf("the backend upgraded to %q, not %q", got, out.upgrade)}
		}
		rest, _ := ahead.Peek(ahead.Buffered()) // what is buffered can be read
		return &answer{Response: resp, conn: conn.WithAhead(c, rest)}, nil
	case code >= http.StatusBadRequest:
		resp.Body = closing{resp.Body, c}
		return &answer{Response: resp, closing: true}, nil
	default:
		return nil, &transport.BadError{Err: fmt.Errorf("the backend answered the request to upgrade with %s", resp.Status)}
	}
}

// head reads the head of the final answer, and passes those before it on.
func head(from *bufio.Reader, r *http.Request, out *outgoing) (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(from, r)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, nil
		}
		out.inform(resp.StatusCode, resp.Header)
	}
}

// join answers 101 and relays raw bytes until both sides have ended.
func (g *Gateway) join(w *reply, r *http.Request, a *answer, rules *rewrite.Rules, line *observe.Line) error {
	defer a.conn.Close()
	h := a.Header
	protocol := h["Upgrade"]
	rules.Response(h, g.cfg.KeepCORS)
	h["Connection"], h["Upgrade"] = []string{"Upgrade"}, protocol
	h["Audit-Id"] = []string{line.ID}

	client, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return fault.Wrap(fault.Internal, "gateway.join", "Internal error occurred: the connection cannot be upgraded", err)
	}
	defer client.Close()
	w.taken, w.status = true, http.StatusSwitchingProtocols
	line.Upgrade = true
	if err := writeHead(buffered.Writer, h); err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	ahead, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
	var sent, received conn.Counter
	err = conn.Relay(g.base, conn.WithAhead(client, ahead), a.conn, &received, &sent)
	w.sent += sent.Load()
	w.body.read.Add(received.Load())
	if err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	return nil
}

// writeHead writes the head of a 101.
func writeHead(w *bufio.Writer, h http.Header) error {
	if _, err := w.WriteString("HTTP/1.1 101 Switching Protocols\r\n"); err != nil {
		return err
	}
	if err := h.Write(w); err != nil {
		return err
	}
	if _, err := w.WriteString("\r\n"); err != nil {
		return err
	}
	return w.Flush()
}

// closing is a body that takes its connection with it.
type closing struct {
	body interface {
		Read([]byte) (int, error)
		Close() error
	}
	conn net.Conn
}

func (c closing) Read(p []byte) (int, error) { return c.body.Read(p) }

// Close closes the connection. The rest of the body is not waited for.
func (c closing) Close() error { return c.conn.Close() }
