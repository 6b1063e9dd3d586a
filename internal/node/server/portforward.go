package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cri-streaming/pkg/streaming/portforward"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/podrun"
)

// portForward carries connections to ports of a pod's loopback address.
func (s *server) portForward(w http.ResponseWriter, r *http.Request) {
	options, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	pod := s.pod(r)
	if pod == nil {
		http.Error(w, "pod does not exist", http.StatusNotFound)
		return
	}
	sandbox, err := s.Pods.Sandbox(pod.Namespace, pod.Name, types.UID(r.PathValue("uid")))
	if errors.Is(err, podrun.ErrNotFound) {
		http.Error(w, fmt.Sprintf("pod %q is not running", pod.Name), http.StatusNotFound)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w, r, done := conn.WhileConnected(w, r)
	defer done()
	to := forwarder{s.Runtime, sandbox, r.Context()}
	portforward.ServePortForward(w, r, to, pod.Name, string(pod.UID), options, s.IdleTimeout, creationTimeout, portforward.SupportedProtocols)
}

// forwarder connects to a sandbox while a client is there; the library gives a
// context that says nothing of it.
type forwarder struct {
	runtime   Runtime
	sandbox   string
	connected context.Context
}

var _ portforward.PortForwarder = forwarder{}

// PortForward implements [portforward.PortForwarder]. A connection's end in one
// direction is passed on; it is over when both have ended.
func (f forwarder) PortForward(_ context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	c, err := f.runtime.Dial(f.connected, f.sandbox, uint16(port))
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(f.connected, func() { c.Close() })()
	var ways sync.WaitGroup
	ways.Go(func() {
		_, err := io.Copy(c, stream)
		if half, ok := c.(conn.HalfCloser); ok && err == nil {
			err = half.CloseWrite()
		}
		if err != nil {
			c.Close()
		}
	})
	_, err = io.Copy(stream, c)
	// The stream's own Close ends only our direction.
	stream.Close()
	ways.Wait()
	if errors.Is(err, net.ErrClosed) || f.connected.Err() != nil {
		return nil
	}
	return err
}
