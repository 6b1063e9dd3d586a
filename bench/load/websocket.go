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

// Run makes load for that long. Result.Requests are round trips.
func (w WebSocket) Run(ctx context.Context, r Request, length time.Duration) (Result, error) {
	group, ctx := errgroup.WithContext(ctx)
	times := make([][]time.Duration, w.Connections)
	begun := time.Now()
	for i := range w.Connections {
		group.Go(func() (err error) {
			times[i], err = w.talk(ctx, r, begun.Add(length))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Result{}, fmt.Errorf("talk through a WebSocket: %w", err)
	}
	took := time.Since(begun)
	all := slices.Concat(times...)
	if len(all) == 0 {
		return Result{}, errors.New("talk through a WebSocket: no message came back")
	}
	slices.Sort(all)
	return Result{
		Requests: int64(len(all)), Bytes: int64(len(all) * w.Size), Duration: took,
		P50: all[len(all)/2], P99: all[len(all)*99/100],
	}, nil
}

// talk uses one connection and returns how long each round trip took.
func (w WebSocket) talk(ctx context.Context, r Request, end time.Time) ([]time.Duration, error) {
	c, err := dial(ctx, r)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	in := bufio.NewReader(c)
	if err := upgrade(c, in, r); err != nil {
		return nil, err
	}
	message := bytes.Repeat([]byte("m"), w.Size)
	sent, want := frame(message, true), frame(message, false)
	got := make([]byte, len(want))
	var times []time.Duration
	for begun := time.Now(); begun.Before(end) && ctx.Err() == nil; {
		if _, err := c.Write(sent); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(in, got); err != nil {
			return nil, err
		}
		if !bytes.Equal(got, want) {
			return nil, errors.New("another message came back than was sent")
		}
		now := time.Now()
		times = append(times, now.Sub(begun))
		begun = now
	}
	return times, ctx.Err()
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
