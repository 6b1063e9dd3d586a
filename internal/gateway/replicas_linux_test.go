package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/gateway"
)

// replicaName is set in a process that is a replica: this test binary again.
const replicaName = "CAUSEWAY_TEST_REPLICA"

// TestReplicaProcess is what a replica runs: a server that answers with its
// name. Elsewhere it is nothing.
func TestReplicaProcess(t *testing.T) {
	name := os.Getenv(replicaName)
	if name == "" {
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("listening on", l.Addr())
	t.Fatal(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, name)
	})))
}

// replica is a process of its own that serves.
type replica struct {
	name string
	addr netip.AddrPort
	cmd  *exec.Cmd
	done atomic.Int64 // requests it has answered
}

func startReplica(t *testing.T, name string) *replica {
	t.Helper()
	r := &replica{name: name, cmd: exec.Command(os.Args[0], "-test.run=^TestReplicaProcess$")}
	r.cmd.Env = append(os.Environ(), replicaName+"="+name)
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // also if it is stopped then
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.signal(t, syscall.SIGKILL); _ = r.cmd.Wait() }) // it says that it was killed
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%s: got %q: %v", name, line, err)
	}
	r.addr = netip.MustParseAddrPort(strings.TrimSpace(strings.TrimPrefix(line, "listening on ")))
	return r
}

func (r *replica) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		t.Errorf("sending %v to %s: %v", s, r.name, err)
	}
}

// underLoad is a service under load through the gateway.
type underLoad struct {
	*world
	client   *http.Client
	replicas map[string]*replica
	workers  sync.WaitGroup
	failed   atomic.Int64 // requests of POST that were not answered by a replica
}

// load has clients make requests of that method, one after the other each. It
// returns how many each has made. Those that may be repeated must not fail.
func (u *underLoad) load(ctx context.Context, clients int, method string) []*atomic.Int64 {
	made := make([]*atomic.Int64, clients)
	for i := range made {
		made[i] = new(atomic.Int64)
		u.workers.Go(func() {
			for ctx.Err() == nil {
				what := u.request(method)
				by := u.replicas[what]
				switch {
				case by != nil:
					by.done.Add(1)
				case method == http.MethodPost && strings.HasPrefix(what, "503 "):
					u.failed.Add(1)
				default:
					u.t.Errorf("a request of %s: got %s", method, what)
					return
				}
				made[i].Add(1)
			}
		})
	}
	return made
}

// request returns what a request was answered with.
func (u *underLoad) request(method string) string {
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader("some words")
	}
	r, err := http.NewRequest(method, u.URL+web+"/", body)
	if err != nil {
		return err.Error()
	}
	r.Header.Set("Authorization", "Bearer alice-token")
	resp, err := u.client.Do(r)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Sprintf("%d %s", resp.StatusCode, text)
	}
	return string(text)
}

// until waits for something that takes seconds, and on a busy machine more.
func (u *underLoad) until(what string, ok func() bool) {
	u.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if u.t.Failed() || time.Now().After(deadline) {
			u.t.Fatalf("waited in vain until %s", what)
		}
	}
}

// end stops the load.
func (u *underLoad) end(stop context.CancelFunc) {
	stop()
	u.workers.Wait()
	u.client.CloseIdleConnections()
}

// more reports, from now on, whether all counters have grown by n.
func more(n int64, counters ...*atomic.Int64) func() bool {
	goals := make([]int64, len(counters))
	for i, c := range counters {
		goals[i] = c.Load() + n
	}
	return func() bool {
		for i, c := range counters {
			if c.Load() < goals[i] {
				return false
			}
		}
		return true
	}
}

// The story of section 1, endpoint choice: of three replicas under load, one
// is killed, one freezes, and one is added. No request fails whose response had
// not begun, but for one of POST that the killed one had received already: what
// became of that, nobody knows. The frozen one is left, and used again when it
// is back; and the requests of POST that it holds are answered then.
func TestReplicasDieFreezeAndCome(t *testing.T) {
	a, b, c, d := startReplica(t, "a"), startReplica(t, "b"), startReplica(t, "c"), startReplica(t, "d")
	u := &underLoad{
		world: newWorld(t, nil, service("web", a.addr, b.addr, c.addr)...), client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}},
		replicas: map[string]*replica{"a": a, "b": b, "c": c, "d": d},
	}
	ctx, stop := context.WithCancel(t.Context())
	const getters, posters = 8, 4
	gets, posts := u.load(ctx, getters, http.MethodGet), u.load(ctx, posters, http.MethodPost)
	t.Cleanup(func() {
		b.signal(t, syscall.SIGCONT)
		u.end(stop)
	})
	u.until("all three replicas are used", more(50, &a.done, &b.done, &c.done))

	a.signal(t, syscall.SIGKILL)
	u.until("everybody has gone on after one was killed", more(50, append(gets, posts...)...))
	if n := u.failed.Load(); n > posters {
		t.Errorf("%d requests of POST failed, want at most one of each client", n)
	}
	lost := u.failed.Load()

	b.signal(t, syscall.SIGSTOP)
	u.until("everybody has gone on after one froze", more(50, gets...))

	if _, err := u.api.DiscoveryV1().EndpointSlices("default").Create(ctx, slice("web", 3, d.addr), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	u.until("the added one is used", more(50, &d.done))

	back := more(50, &b.done)
	b.signal(t, syscall.SIGCONT)
	u.until("the one that froze is used again", back)
	u.until("everybody goes on", more(50, append(gets, posts...)...))
	if n := u.failed.Load() - lost; n > 0 {
		t.Errorf("%d requests of POST failed when none was killed", n)
	}
}

// A node that has vanished answers no packet: dials to it hang. They are ended
// before their time when it is found out, and requests of all methods go
// elsewhere.
func TestVanishedNodeIsLeft(t *testing.T) {
	a, b := startReplica(t, "a"), startReplica(t, "b")
	gone := closedPort(t)
	var early atomic.Int64 // dials that were ended before they timed out
	u := &underLoad{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}, replicas: map[string]*replica{"a": a, "b": b}}
	u.world = newWorld(t, func(c *gateway.Config) {
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if address != gone.String() {
				return (&net.Dialer{}).DialContext(ctx, network, address)
			}
			<-ctx.Done()
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				early.Add(1)
			}
			return nil, fmt.Errorf("dialling %s: %w", address, ctx.Err())
		}
	}, service("web", a.addr, gone, b.addr)...)
	ctx, stop := context.WithCancel(t.Context())
	gets, posts := u.load(ctx, 4, http.MethodGet), u.load(ctx, 4, http.MethodPost)
	t.Cleanup(func() { u.end(stop) })
	u.until("everybody has gone on", more(50, append(gets, posts...)...))
	u.until("a dial was ended early", func() bool { return early.Load() > 0 })
	if n := u.failed.Load(); n > 0 {
		t.Errorf("%d requests of POST failed, though nothing was sent", n)
	}
}
