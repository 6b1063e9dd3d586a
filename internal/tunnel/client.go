package tunnel

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/causeway-access/causeway/internal/conn"
)

// Config says where a node's tunnel leads, and what may be reached through it.
type Config struct {
	// Server is HOST:PORT of the API server. Required for a [Client] alone.
	Server string
	// TLS returns how the node shows itself to the server, and verifies it. It is
	// asked each time, for certificates change. Required.
	TLS func() (*tls.Config, error)
	// Dial opens connections to the server; a net.Dialer's if nil.
	Dial conn.DialFunc
	// Open opens the connections that are asked for, and refuses with a
	// [Refusal] what is not to be reached. Required.
	Open conn.DialFunc
	// Pings notice a server that is gone.
	Pings Pings
	// Log is slog.Default() if nil.
	Log *slog.Logger
}

const (
	// firstPause and lastPause are between two attempts to connect.
	firstPause, lastPause = 100 * time.Millisecond, 10 * time.Second
	// connectTimeout bounds one attempt.
	connectTimeout = 15 * time.Second
)

// Client is a node's end of its tunnel.
type Client struct {
	cfg       Config
	connected atomic.Bool
	opened    chan struct{}
	first     sync.Once

	// Of one of several, in [Clients]: others are the servers that have a tunnel
	// by another, name is what the server calls itself while the tunnel is open,
	// another says that it has one by another, and leaving that the tunnel is not
	// to be opened again.
	others  func() []string
	name    atomic.Pointer[string]
	another atomic.Bool
	leaving atomic.Bool
}

// errAnother is of a server that has a tunnel already, by another address.
var errAnother = errors.New("the server has a tunnel from this node by another address")

// NewClient makes a node's end. It connects when it is run.
func NewClient(cfg Config) (*Client, error) {
	if cfg.Server == "" {
		return nil, errors.New("configuring the tunnel: the server is required")
	}
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	return &Client{cfg: cfg, opened: make(chan struct{})}, nil
}

func (cfg *Config) complete() error {
	if cfg.TLS == nil || cfg.Open == nil {
		return errors.New("configuring the tunnel: TLS and what may be reached are required")
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{}).DialContext
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return nil
}

// Opened is closed when the tunnel has been open for the first time.
func (c *Client) Opened() <-chan struct{} { return c.opened }

// Connected tells whether the tunnel is open.
func (c *Client) Connected() bool { return c.connected.Load() }

// Run keeps the tunnel open until ctx ends, and returns nil then; all that went
// through it has ended. It is called once.
func (c *Client) Run(ctx context.Context) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		opened, err := c.once(ctx)
		if ctx.Err() != nil || c.leaving.Load() {
			return nil
		}
		if opened {
			pause = firstPause
		}
		said := slog.LevelWarn
		if c.another.Store(errors.Is(err, errAnother)); c.another.Load() {
			pause, said = lastPause, slog.LevelDebug
		}
		c.cfg.Log.Log(ctx, said, "The tunnel to the API server is not open", "server", c.cfg.Server, "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause/2 + rand.N(pause/2)):
		}
	}
}

// once opens the tunnel and serves it until it ends.
func (c *Client) once(ctx context.Context) (opened bool, err error) {
	tunnel, err := c.connect(ctx)
	if err != nil {
		return false, err
	}
	defer tunnel.Close()
	defer context.AfterFunc(ctx, func() { tunnel.Close() })()
	defer c.name.Store(nil)
	c.another.Store(false)
	c.connected.Store(true)
	c.first.Do(func() { close(c.opened) })
	defer c.connected.Store(false)
	c.cfg.Log.Debug("The tunnel to the API server is open", "server", c.cfg.Server)
	c.answer(ctx, tunnel)
	return true, errors.New("the connection has ended")
}

// connect dials the server and asks for the upgrade.
func (c *Client) connect(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	var others []string
	if c.others != nil {
		if others = c.others(); slices.Contains(others, c.cfg.Server) {
			return nil, errAnother
		}
	}
	config, err := c.cfg.TLS()
	if err != nil {
		return nil, fmt.Errorf("preparing TLS: %w", err)
	}
	config = config.Clone()
	config.NextProtos = []string{"http/1.1"}
	if config.ServerName == "" {
		if config.ServerName, _, err = net.SplitHostPort(c.cfg.Server); err != nil {
			return nil, err
		}
	}
	raw, err := c.cfg.Dial(ctx, "tcp", c.cfg.Server)
	if err != nil {
		return nil, err
	}
	session := tls.Client(raw, config)
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	upgraded, err := c.upgrade(session, others)
	if err != nil {
		raw.Close()
		return nil, cmp.Or(ctx.Err(), err)
	}
	return upgraded, nil
}

// upgrade asks for the tunnel, and says which servers have one from here.
func (c *Client) upgrade(session *tls.Conn, others []string) (net.Conn, error) {
	known := ""
	if len(others) > 0 {
		known = haveHeader + ": " + strings.Join(others, ", ") + "\r\n"
	}
	_, err := fmt.Fprintf(session, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: causeway-node\r\nConnection: Upgrade\r\nUpgrade: %s\r\n%s\r\n", Path, c.cfg.Server, protocol, known)
	if err != nil {
		return nil, fmt.Errorf("asking for the tunnel: %w", err)
	}
	reader := bufio.NewReader(session)
	response, err := http.ReadResponse(reader, &http.Request{Method: http.MethodGet})
	if err != nil {
		return nil, fmt.Errorf("asking for the tunnel: %w", err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		defer response.Body.Close()
		if response.StatusCode == http.StatusConflict {
			return nil, errAnother
		}
		text, _ := io.ReadAll(io.LimitReader(response.Body, mostRefusal))
		return nil, fmt.Errorf("asking for the tunnel: the server answered %s: %s", response.Status, text)
	}
	if name := response.Header.Get(nameHeader); name != "" {
		c.name.Store(&name)
	}
	return &early{session, reader}, nil
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
