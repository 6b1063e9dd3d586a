package tunnel

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
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

	// Of one of several, in [Clients]: name is what the server calls itself while
	// the tunnel is open, another says that it has one by another, and leaving
	// that the tunnel is not to be opened again.
	group   *group
	name    atomic.Pointer[string]
	another atomic.Bool
	leaving atomic.Bool
}

// group is what a client is told by those that it is one of.
type group struct {
	// alone is held while a tunnel is opened to an address: behind it there may be
	// several servers, and the next client that connects there is to know which
	// of them the one before has found.
	alone chan struct{}
	// others are the servers that have a tunnel by another client, as they call
	// themselves, and incomplete says that there are some that have none.
	others     func() []string
	incomplete func() bool
	// changed is called when the tunnel is open, and when it has ended.
	changed func()
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
			said = slog.LevelDebug
			if c.group == nil || !c.group.incomplete() {
				pause = lastPause
			}
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
	c.another.Store(false)
	c.connected.Store(true)
	c.first.Do(func() { close(c.opened) })
	c.tell()
	defer func() {
		c.connected.Store(false)
		c.name.Store(nil)
		c.tell()
	}()
	c.cfg.Log.Debug("The tunnel to the API server is open", "server", c.cfg.Server)
	answerer{c.cfg.Open, c.cfg.Pings}.serve(ctx, tunnel)
	return true, errors.New("the connection has ended")
}

// connect asks the server for a tunnel.
func (c *Client) connect(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	var others []string
	if c.group != nil {
		select {
		case c.group.alone <- struct{}{}:
			defer func() { <-c.group.alone }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if others = c.group.others(); slices.Contains(others, c.cfg.Server) {
			return nil, errAnother
		}
	}
	ask := question{path: Path, protocol: protocol, server: c.cfg.Server, known: others, tls: c.cfg.TLS, dial: c.cfg.Dial}
	tunnel, name, err := ask.send(ctx)
	if err == nil && name != "" {
		c.name.Store(&name)
	}
	return tunnel, err
}

func (c *Client) tell() {
	if c.group != nil {
		c.group.changed()
	}
}
