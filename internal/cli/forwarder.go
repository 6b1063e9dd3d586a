package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/localproxy"
	"github.com/causeway-access/causeway/internal/portforward"
)

// forwarder forwards local ports to one target.
type forwarder struct {
	target      portforward.Target
	proxy       *localproxy.Proxy
	out, errOut io.Writer
	verbose     bool
	running     sync.WaitGroup

	mu sync.Mutex // of errOut
}

// explain says what to do about an error.
func (w *forwarder) explain(err error) error {
	err = fmt.Errorf("forwarding ports of %s in namespace %q: %w", w.target, w.target.Namespace, err)
	if !apierrors.IsForbidden(err) {
		return err
	}
	resource := "pods"
	if w.target.Resource == "services" {
		resource = "services"
	}
	return fmt.Errorf(`%w
An administrator of the namespace can allow it:
  kubectl create role forward-ports -n %s --verb=create --resource=%s/portforward
  kubectl create rolebinding forward-ports -n %[2]s --role=forward-ports --user=YOU`, err, w.target.Namespace, resource)
}

// number finds the ports that were named.
func (w *forwarder) number(ctx context.Context, all []ports) error {
	for i := range all {
		p := &all[i]
		if p.name == "" {
			continue
		}
		var err error
		if p.remote, err = w.proxy.Port(ctx, w.target, p.name); err != nil {
			return err
		}
		if p.alike {
			p.local = p.remote
		}
	}
	return nil
}

// run listens, tells of it, and serves until ctx ends.
func (w *forwarder) run(ctx context.Context, addresses []string, all []ports) error {
	var listeners []net.Listener
	defer func() {
		for _, l := range listeners {
			l.Close()
		}
		w.running.Wait()
	}()
	for _, p := range all {
		for _, address := range addresses {
			some, err := localproxy.Listen(address, int(p.local))
			if err != nil {
				return err
			}
			listeners = append(listeners, some...)
			for _, l := range some {
				fmt.Fprintf(w.out, "Forwarding from %s -> %d\n", l.Addr(), p.remote)
				w.running.Go(func() { w.serve(ctx, l, p.remote) })
			}
		}
	}
	<-ctx.Done()
	return nil
}

// serve accepts connections until the listener is closed.
func (w *forwarder) serve(ctx context.Context, l net.Listener, port uint16) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			w.tell("error: accepting connections on %s: %v", l.Addr(), err)
			return
		}
		w.running.Go(func() { w.forward(ctx, c, port) })
	}
}

// forward serves one connection. If none can be made it is reset, which clients
// do not take for an answer.
func (w *forwarder) forward(ctx context.Context, c net.Conn, port uint16) {
	defer c.Close()
	backend, err := w.proxy.Dial(ctx, w.target, port)
	if err != nil {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // it ends either way
		}
		if ctx.Err() == nil {
			w.tell("error: %v", w.explain(err))
		}
		return
	}
	from := c.RemoteAddr()
	if w.verbose {
		w.tell("%s: connected to %s %d%s", from, w.target, port, at(backend))
	}
	err = conn.Relay(ctx, c, backend, nil, nil)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		w.tell("error: %s: the connection to %s broke: %v", from, w.target, err)
	case w.verbose:
		w.tell("%s: closed", from)
	}
}

// at names the backend, if the API server has.
func at(c *portforward.Conn) string {
	if c.Address() == "" {
		return ""
	}
	return " at " + c.Address()
}

func (w *forwarder) tell(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(w.errOut, format+"\n", args...)
}
