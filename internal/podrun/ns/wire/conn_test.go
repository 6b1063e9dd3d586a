//go:build linux

package wire

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pair returns both ends of a connection, in a directory with a long name.
func pair(t testing.TB) (a, b *Conn) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := Listen(dir, Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan *net.UnixConn, 1)
	go func() {
		c, _ := l.AcceptUnix()
		accepted <- c
	}()
	if a, err = Dial(dir, Socket); err != nil {
		t.Fatal(err)
	}
	b = &Conn{<-accepted}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func TestMessagesAndFilesArrive(t *testing.T) {
	a, b := pair(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	large := Request{Op: OpStart, ID: strings.Repeat("x", 1<<20)}
	sent := make(chan error, 1)
	go func() {
		err := errors.Join(a.Send(Request{Op: OpExec}, w, w), a.Send(large))
		sent <- errors.Join(err, w.Close(), a.Close())
	}()
	var got Request
	files, err := b.Receive(&got)
	if err != nil || got.Op != OpExec || len(files) != 2 {
		t.Fatalf("%+v, %v, %v", got, files, err)
	}
	for _, f := range files {
		if _, err := f.WriteString("through"); err != nil {
			t.Error(err)
		}
		f.Close()
	}
	got = Request{}
	if files, err = b.Receive(&got); err != nil || len(files) != 0 {
		t.Fatal(files, err)
	}
	if diff := cmp.Diff(large, got); diff != "" {
		t.Error(diff)
	}
	if _, err := b.Receive(&got); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	// The reader sees the end: nobody has the pipe any more.
	if data, err := io.ReadAll(r); string(data) != "throughthrough" || err != nil {
		t.Errorf("%q, %v", data, err)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x0d{\"Op\":\"stop\"}"))
	f.Add([]byte("\x00\x00\x00\x0d{\"Op\""))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, data []byte) {
		a, b := pair(t)
		go func() {
			_, _ = a.Write(data)
			a.Close()
		}()
		var r Request
		_, err := b.Receive(&r)
		whole := len(data) >= 4 && uint64(binary.BigEndian.Uint32(data)) <= uint64(len(data)-4)
		if err == nil && !whole {
			t.Errorf("a part of a message was taken for it: %q", data)
		}
	})
}
