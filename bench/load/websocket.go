package load

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// WebSocket sends messages on connections to a server that sends each back,
// and the next one when that has arrived. Each connection has a goroutine and
// writes and reads frames itself, so that it costs little.
type WebSocket struct {
	Connections int
	Size        int // of a message, in bytes; 126 to 65535
}

// Run opens the connections and then makes load for that long, and one message
// of each connection in any case. Result.Requests are round trips.
func (w WebSocket) Run(ctx context.Context, r Request, length time.Duration) (Result, error) {
	sockets := make([]*socket, w.Connections)
	defer func() {
		for _, s := range sockets {
			s.close()
		}
	}()
	opening, inOpening := errgroup.WithContext(ctx)
	for i := range sockets {
		opening.Go(func() (err error) {
			sockets[i], err = openSocket(inOpening, r)
			return err
		})
	}
	if err := opening.Wait(); err != nil {
		return Result{}, fmt.Errorf("open WebSockets: %w", err)
	}
	talking, inTalk := errgroup.WithContext(ctx)
	begun := time.Now()
	for _, s := range sockets {
		talking.Go(func() error { return s.talk(inTalk, w.Size, begun.Add(length)) })
	}
	if err := talking.Wait(); err != nil {
		return Result{}, fmt.Errorf("talk through a WebSocket: %w", err)
	}
	took := time.Since(begun)
	var all []time.Duration
	for _, s := range sockets {
		all = append(all, s.times...)
	}
	slices.Sort(all)
	return Result{
		Requests: int64(len(all)), Bytes: int64(len(all) * w.Size), Duration: took,
		P50: all[len(all)/2], P99: all[len(all)*99/100],
	}, nil
}

// socket is an open WebSocket, and how long each of its round trips took.
type socket struct {
	net.Conn
	in    *bufio.Reader
	times []time.Duration
}

func openSocket(ctx context.Context, r Request) (*socket, error) {
	c, err := dial(ctx, r, nil)
	if err != nil {
		return nil, err
	}
	s := &socket{Conn: c, in: bufio.NewReader(c)}
	return s, upgrade(c, s.in, r)
}

// close closes a socket, if it was opened. The other end sees that it is over.
func (s *socket) close() {
	if s != nil {
		_ = s.Close()
	}
}

// talk sends a message again and again until the end.
func (s *socket) talk(ctx context.Context, size int, end time.Time) error {
	message := bytes.Repeat([]byte("m"), size)
	sent, want := frame(message, true), frame(message, false)
	got := make([]byte, len(want))
	for begun := time.Now(); ctx.Err() == nil; {
		if _, err := s.Write(sent); err != nil {
			return err
		}
		if _, err := io.ReadFull(s.in, got); err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return errors.New("another message came back than was sent")
		}
		now := time.Now()
		s.times = append(s.times, now.Sub(begun))
		if now.After(end) {
			return nil
		}
		begun = now
	}
	return ctx.Err()
}

// webSocketKey is any 16 bytes: nobody is to be protected here.
const webSocketKey = "Y2F1c2V3YXkgYmVuY2ghIQ=="

// upgrade asks for a WebSocket (RFC 6455, section 4).
func upgrade(c io.Writer, in *bufio.Reader, r Request) error {
	request, err := http.NewRequest(http.MethodGet, r.URL, nil)
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": webSocketKey,
		"Authorization": r.Authorization,
	} {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	if err := request.Write(c); err != nil {
		return err
	}
	answer, err := http.ReadResponse(in, request)
	if err != nil {
		return err
	}
	sum := sha1.Sum([]byte(webSocketKey + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	accept := base64.StdEncoding.EncodeToString(sum[:])
	if answer.StatusCode != http.StatusSwitchingProtocols || answer.Header.Get("Sec-WebSocket-Accept") != accept {
		return fmt.Errorf("asked for a WebSocket and got %s", answer.Status)
	}
	return nil
}

// frame is a whole binary message (RFC 6455, section 5.2). That of a client
// is masked, with zeros: the mask protects caches, and there are none.
func frame(message []byte, client bool) []byte {
	head := binary.BigEndian.AppendUint16([]byte{0x82, 126}, uint16(len(message)))
	if client {
		head[1] |= 0x80
		head = append(head, 0, 0, 0, 0)
	}
	return append(head, message...)
}
