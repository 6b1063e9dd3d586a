package gateway

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/fault"
	"github.com/causeway-access/causeway/internal/observe"
	"github.com/causeway-access/causeway/internal/rewrite"
	"github.com/causeway-access/causeway/internal/transport"
)

// answer is the backend's answer.
type answer struct {
	// Response is what the rewriting of pages reads of it. Its Header is filled
	// where the header is to go.
	http.Response
	from    transport.Response
	closing bool // the client's connection is to be closed after it
}

// begin makes the answer ready, of which the head is in from.
func (a *answer) begin() {
	a.StatusCode, a.ContentLength, a.Body = a.from.Status, a.from.Length, &a.from
}

// upgraded checks the answer to a request for an upgrade. Nothing of the two
// connections is joined before its head says 101: a backend that refuses must
// not leave the client with a raw connection to it, behind authorisation
// (CVE-2018-1002105).
func (a *answer) upgraded(protocol string) error {
	var err error
	switch code := a.from.Status; {
	case code == http.StatusSwitchingProtocols:
		if got := a.from.Get("Upgrade"); !strings.EqualFold(got, protocol) {
			err = fmt.Errorf("the backend upgraded to %q, not %q", got, protocol)
		}
	case code >= http.StatusBadRequest:
		a.closing = true
	default:
		err = fmt.Errorf("the backend answered the request to upgrade with %d", code)
	}
	if err != nil {
		a.from.Close()
		return &transport.BadError{Err: err}
	}
	return nil
}

// join answers 101 and relays raw bytes until both sides have ended.
func (g *Gateway) join(w *reply, r *http.Request, a *answer, rules *rewrite.Rules, line *observe.Line) error {
	h := make(http.Header)
	a.from.CopyHeader(h, "Audit-Id")
	backend, err := a.from.Take()
	if err != nil {
		return fault.Wrap(fault.Canceled, "gateway.join", "the client closed the request", err)
	}
	defer backend.Close()
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
	g.observer.Upgraded(line, &sent, &received)
	err = conn.Relay(g.base, conn.WithAhead(client, ahead), backend, &received, &sent)
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
