package transport

import "sync"

const (
	// smallBuffer holds a request's head, then a response's, and with it the
	// whole of most responses.
	smallBuffer = 8 << 10
	// largeBuffer is for bodies that come faster than small ones are emptied.
	largeBuffer = 64 << 10
)

// scratch is the memory of one exchange. Idle connections have none.
type scratch struct {
	buf    []byte
	fields []Field
	// probe is for the read that must find nothing. The buffer then holds the
	// request.
	probe [1]byte
}

var (
	scratches = sync.Pool{New: func() any {
		return &scratch{buf: make([]byte, smallBuffer), fields: make([]Field, 0, 24)}
	}}
	larges = sync.Pool{New: func() any { b := make([]byte, largeBuffer); return &b }}
)

func newScratch() *scratch { return scratches.Get().(*scratch) }

// free gives the scratch back.
func (s *scratch) free() {
	clear(s.fields)
	s.fields = s.fields[:0]
	scratches.Put(s)
}
