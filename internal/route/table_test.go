package route_test

import (
	"strconv"
	"sync"
	"testing"

	"github.com/causeway-access/causeway/internal/route"
)

func TestTableHoldsWhatIsStored(t *testing.T) {
	table := route.NewTable[string, int]()
	for i := range 2000 {
		table.Store(strconv.Itoa(i), i)
	}
	table.Delete("7")
	table.Delete("unknown")
	table.DeleteFunc(func(_ string, v int) bool { return v >= 1000 })
	if n := table.Len(); n != 999 {
		t.Errorf("Len() = %d, want 999", n)
	}
	if v, ok := table.Load("999"); !ok || v != 999 {
		t.Errorf("Load(999) = %d, %t", v, ok)
	}
	if v, ok := table.Load("7"); ok {
		t.Errorf("Load(7) = %d after it was deleted", v)
	}
}

func TestTableBuildsOnce(t *testing.T) {
	table := route.NewTable[int, *int]()
	var built sync.Map
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for key := range 500 {
				built.Store(table.LoadOrStore(key, func() *int { return new(int) }), key)
			}
		})
	}
	wg.Wait()
	n := 0
	built.Range(func(any, any) bool { n++; return true })
	if n != 500 {
		t.Errorf("%d values for 500 keys", n)
	}
}

func BenchmarkTableLoad(b *testing.B) {
	for _, size := range []int{10, 10000} {
		table := route.NewTable[[2]string, int]()
		for i := range size {
			table.Store([2]string{"default", strconv.Itoa(i)}, i)
		}
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				table.Load([2]string{"default", "5"})
			}
		})
	}
}
