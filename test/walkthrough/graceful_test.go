package walkthrough

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// eventuallyTrue waits for what others bring about.
func eventuallyTrue(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("still not so after %v: %s", patience, what)
		}
		time.Sleep(pause)
	}
}

// upgradeEcho answers an upgrade and then echoes bytes.
func upgradeEcho(t *testing.T, w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	io.Copy(c, c)
}

// upgraded is the client's side of an upgraded connection.
type upgraded struct {
	net.Conn
	in *bufio.Reader
}

func (r *running) upgrade(t *testing.T, path string) *upgraded {
	t.Helper()
	c, err := r.dial(t)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, r.head(t, path, "Connection: Upgrade", "Upgrade: websocket"))
	u := &upgraded{c, bufio.NewReader(c)}
	resp, err := http.ReadResponse(u.in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the upgrade got %v, %v", resp, err)
	}
	return u
}

// echo sends a line and wants it back.
func (u *upgraded) echo(line string) error {
	if _, err := io.WriteString(u, line+"\n"); err != nil {
		return err
	}
	got, err := u.in.ReadString('\n')
	if err == nil && got != line+"\n" {
		err = errors.New("got " + got)
	}
	return err
}

// A story: the program is told to end while a file is downloaded and a
// WebSocket is open. First /readyz says that it will, while all is served as
// before; then nobody new is let in; what is under way is completed; then it
// ends, with status 0.
func TestSIGTERMLetsWhatIsUnderWayComplete(t *testing.T) {
	t.Parallel()
	// The delay is long enough for a loaded machine to look at it, the grace
	// for the test to do all that it does within.
	up := start(t, newHome(t).up("--allow-endpoint-cidr", "127.0.0.0/8", "--shutdown-delay-duration", "20s", "--shutdown-grace-period", "90s"))
	begun, more := make(chan struct{}), make(chan struct{})
	path := up.pod(t, "files", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ws":
			upgradeEcho(t, w)
		case "/file":
			io.WriteString(w, "the first half, ")
			w.(http.Flusher).Flush()
			close(begun)
			<-more
			io.WriteString(w, "the second half")
		}
	})
	ws := up.upgrade(t, path+"ws")
	file := make(chan string, 1)
	go func() {
		status, body := up.get(t, path+"file")
		file <- http.StatusText(status) + ": " + body
	}()
	<-begun

	if err := up.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventuallyTrue(t, "/readyz fails", func() bool {
		status, body := up.get(t, "/readyz")
		return status == http.StatusInternalServerError && strings.Contains(body, "[-]shutdown")
	})
	if status, _ := up.get(t, path); status != http.StatusOK {
		t.Errorf("during the delay a new request got %d", status)
	}
	eventuallyTrue(t, "a new connection is refused", func() bool {
		c, err := net.Dial("tcp", up.address())
		if err == nil {
			c.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	if up.over() {
		t.Fatalf("it has ended with requests under way:\n%s", up.output)
	}
	if err := ws.echo("still there"); err != nil {
		t.Errorf("the WebSocket: %v", err)
	}
	close(more)
	if got := <-file; got != "OK: the first half, the second half" {
		t.Errorf("the download got %q", got)
	}
	if err := ws.echo("and still"); err != nil {
		t.Errorf("the WebSocket: %v", err)
	}
	ws.Close()
	select {
	case <-up.ended:
		if up.err != nil {
			t.Errorf("it ended with %v:\n%s", up.err, up.output)
		}
	case <-time.After(patience):
		t.Error("it does not end when all is over")
	}
}

// What does not end by itself within the grace is broken off, and the program
// ends well all the same.
func TestSIGTERMBreaksOffWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	up := start(t, newHome(t).up("--allow-endpoint-cidr", "127.0.0.0/8", "--shutdown-grace-period", "1s"))
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	path := up.pod(t, "endless", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ws":
			upgradeEcho(t, w)
		case "/endless":
			io.WriteString(w, "forever ")
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-release:
			}
		}
	})
	ws := up.upgrade(t, path+"ws")
	endless, err := up.dial(t)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(endless, up.head(t, path+"endless"))
	resp, err := http.ReadResponse(bufio.NewReader(endless), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := up.stop(); err != nil {
		t.Error(err)
	}
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("the endless download looks complete: %q", body)
	}
	if err := ws.echo("anybody there?"); err == nil {
		t.Error("the WebSocket outlived the program")
	}
}
