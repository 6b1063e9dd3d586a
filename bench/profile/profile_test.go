package profile

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// traces is what go tool pprof wrote, cut.
const traces = `File: causeway
Type: cpu
Time: 2026-11-21 06:10:50 UTC
Duration: 3s, Total samples = 2.97s (98.97%)
-----------+-------------------------------------------------------
      10ms   runtime.(*spanSet).push
             runtime.mallocgc
             net/http.(*conn).readRequest
             net/http.(*conn).serve
-----------+-------------------------------------------------------
     360ms   internal/runtime/syscall/linux.Syscall6
             syscall.RawSyscall6
             syscall.write
             syscall.Write (inline)
             github.com/causeway-access/causeway/internal/transport.(*tcpLink).run
             github.com/causeway-access/causeway/internal/gateway.(*Gateway).serve
             net/http.(*conn).serve
-----------+-------------------------------------------------------
     0.63s   slices.insertionSortCmpFunc[go.shape.struct { net/http.key string; net/http.values []string }] (inline)
             net/http.Header.writeSubset
             net/http.(*conn).serve
`

func TestTimeIsNamed(t *testing.T) {
	got, err := Parts(traces)
	if err != nil {
		t.Fatal(err)
	}
	want := []Part{
		{"kernel: write to the backend", 0.36},
		{"allocation and garbage collection", 0.01},
		{"HTTP/1.1: write the answer", 0.63},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "File: x\n", traces[:100]} {
		if got, err := Parts(bad); err == nil {
			t.Errorf("%q gives %v, want an error", bad, got)
		}
	}
}

func FuzzParts(f *testing.F) {
	f.Add(traces)
	f.Fuzz(func(t *testing.T, text string) {
		parts, err := Parts(text)
		if err != nil {
			return
		}
		sum := 0.0
		for _, p := range parts {
			sum += p.Share
		}
		if math.Abs(sum-1) > 1e-6 {
			t.Errorf("the parts %v are not the whole", parts)
		}
	})
}
