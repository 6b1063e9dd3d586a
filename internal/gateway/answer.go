package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	clientscheme "k8s.io/client-go/kubernetes/scheme"

	"github.com/causeway-access/causeway/internal/fault"
	"github.com/causeway-access/causeway/internal/observe"
)

// answer tells the client of an error, as a Status in the form that he
// accepts. It is the one place where the errors of a request end.
func (g *Gateway) answer(w *reply, r *http.Request, line *observe.Line, err error) {
	line.Err = err
	if errors.Is(err, errBroken) || w.status != 0 {
		return // too late for words; finish breaks the connection off
	}
	var known *fault.Error
	if !errors.As(err, &known) {
		known = fault.Wrap(fault.Internal, "gateway", "Internal error occurred", err)
	}
	if known.Kind == fault.Internal {
		g.cfg.Logger.Error("request failed", "id", line.ID, "error", err)
	}
	if known.Kind == fault.Unauthorized {
		g.challenge(w, r)
	}
	if known.Kind == fault.Canceled {
		line.Status = fault.StatusClientClosedRequest
		return
	}
	g.writeStatus(w, r, known)
}

// challenge asks for a credential. An HTTP/2 connection is not kept for those
// who have none (CVE-2023-44487).
func (g *Gateway) challenge(w http.ResponseWriter, r *http.Request) {
	if g.cfg.Challenge != "" {
		w.Header().Set("WWW-Authenticate", g.cfg.Challenge)
	}
	if r.ProtoMajor == 2 {
		w.Header().Set("Connection", "close")
	}
}

func (g *Gateway) writeStatus(w http.ResponseWriter, r *http.Request, err *fault.Error) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-cache, private")
	responsewriters.ErrorNegotiated(err, clientscheme.Codecs, metav1.Unversioned, w, r)
}

// finish closes the account of a request, also of one that has panicked, and
// breaks off the connection if the response on it is not complete. It is to be
// deferred.
func (g *Gateway) finish(w *reply, r *http.Request, line *observe.Line) {
	w.body.end()
	broken := line.Err != nil && errors.Is(line.Err, errBroken) && !w.taken
	if cause := recover(); cause != nil {
		broken = !g.recovered(w, r, line, cause)
	}
	gone := line.Status == fault.StatusClientClosedRequest // said by answer; a backend may say it too
	if line.Status == 0 {
		line.Status = w.status
	}
	if line.Status == 0 { // nothing was written: the server will say 200
		line.Status = http.StatusOK
	}
	line.Sent, line.Received = w.sent, w.body.read.Load()
	g.observer.Account(line)
	if broken || gone {
		panic(http.ErrAbortHandler)
	}
}

// recovered accounts for a panic. If there is still time it answers 500, after
// which the server drops the connection, and returns true.
func (g *Gateway) recovered(w *reply, r *http.Request, line *observe.Line, cause any) bool {
	line.Panicked = true
	line.Err = fmt.Errorf("panic: %v", cause)
	if cause == http.ErrAbortHandler { //nolint:errorlint // it is never wrapped: a panic value
		return false
	}
	g.cfg.Logger.Error("panic while serving", "id", line.ID, "error", line.Err, "stack", string(debug.Stack()))
	if w.status != 0 || w.taken {
		return w.taken
	}
	w.Header().Set("Connection", "close")
	g.writeStatus(w, r, fault.New(fault.Internal, "gateway", "This request caused apiserver to panic. Look in the logs for details."))
	return true
}

// pass serves what is no target.
func (g *Gateway) pass(w http.ResponseWriter, r *http.Request) {
	admitOwnOrigin(w, r)
	if g.ambient(r) {
		isolate(w.Header())
	}
	switch {
	case g.scripted(r):
		g.refuseScripted(w, r)
	case g.cfg.Next != nil:
		g.cfg.Next.ServeHTTP(w, r)
	default:
		g.writeStatus(w, r, fault.New(fault.NotFound, "gateway.pass", "the server could not find the requested resource"))
	}
}
