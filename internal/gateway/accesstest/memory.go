package accesstest

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"testing"
)

// heavy is the size of a body that no memory should hold. CAUSEWAY_BODY_MB is
// another one, for a longer look.
func heavy() int64 {
	if mb, err := strconv.ParseInt(os.Getenv("CAUSEWAY_BODY_MB"), 10, 64); err == nil {
		return mb << 20
	}
	return 16 << 20
}

// boundless is a backend that sends a heavy body, or counts one.
func boundless(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		_, _ = io.CopyN(w, zeros{}, heavy())
		return
	}
	n, err := io.Copy(io.Discard, r.Body)
	fmt.Fprint(w, n, " ", err)
}

// constant sends a heavy body each way, of which the engine is to keep no more
// than its buffers. Client and backend are weighed too: they keep nothing.
func constant(t *testing.T, c *client, backend string) {
	const bound = 8 << 20
	before := inUse()
	up := &scales{Reader: io.LimitReader(zeros{}, heavy())}
	if got := c.do(t, "POST", proxied("services", backend)+"/", up); got.body != fmt.Sprint(heavy(), " ", nil) {
		t.Errorf("sent %d bytes, and the backend got %q", heavy(), got.body)
	}
	resp := c.open(t, &answer{}, "GET", proxied("services", backend)+"/", nil)
	defer resp.Body.Close()
	down := &scales{Reader: resp.Body}
	if n, err := io.Copy(io.Discard, down); n != heavy() || err != nil {
		t.Errorf("got %d bytes, %v", n, err)
	}
	most := max(up.most, down.most, before)
	if t.Logf("%d bytes of memory for bodies of %d", most-before, heavy()); most > before+bound {
		t.Errorf("bodies of %d bytes take %d bytes of memory, more than %d", heavy(), most-before, bound)
	}
}

// zeros is an endless body.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// scales weighs the process while bytes pass it.
type scales struct {
	io.Reader
	passed, next int64
	most         uint64
}

func (s *scales) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if s.passed += int64(n); s.passed >= s.next {
		s.most = max(s.most, inUse())
		s.next += heavy() / 8
	}
	return n, err
}

// inUse returns how many bytes of the heap are in use.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
