package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 90 * time.Second
	// closeTimeout is how long what is under way may go on in the end.
	closeTimeout = 2 * time.Second
)

// Serve serves a handler, such as [New]'s, over TLS until ctx ends; with ctx
// all streams end. It closes the listener. logger takes what the library says.
func Serve(ctx context.Context, l net.Listener, config *tls.Config, handler http.Handler, logger *slog.Logger) error {
	s := &http.Server{
		Handler: handler, TLSConfig: config,
		ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    log.New(serverErrors{logger}, "", 0),
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		if s.Shutdown(limit) != nil {
			s.Close()
		}
	})
	err := s.ServeTLS(l, "", "")
	if !stop() {
		<-ended
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving the node's API: %w", err)
}

// serverErrors takes what the library has to say. Handshakes that fail are the
// clients' affair, and there is no end of them.
type serverErrors struct{ log *slog.Logger }

// Write implements [io.Writer].
func (e serverErrors) Write(line []byte) (int, error) {
	text, level := strings.TrimSpace(string(line)), slog.LevelWarn
	if strings.HasPrefix(text, "http: TLS handshake error") {
		level = slog.LevelDebug
	}
	e.log.Log(context.Background(), level, text)
	return len(line), nil
}
