package localproxy

import "sync"

const (
	verdictsMost = 1024
	verdictsLong = 256 // bytes of a path that is remembered
)

// verdicts remembers what was decided of paths: expressions with stars cost a
// tenth of a request.
type verdicts struct {
	mu sync.RWMutex
	of map[string]bool
}

func (v *verdicts) get(path string) (accepted, known bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	accepted, known = v.of[path]
	return accepted, known
}

// put remembers a verdict, and forgets all when there are too many.
func (v *verdicts) put(path string, accepted bool) {
	if len(path) > verdictsLong {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.of) >= verdictsMost {
		clear(v.of)
	}
	if v.of == nil {
		v.of = make(map[string]bool)
	}
	v.of[path] = accepted
}
