// Package locked has a buffer which programs under test write to while a test reads
// it.
package locked

import (
	"bytes"
	"sync"
)

// Buffer is a [bytes.Buffer] for more than one goroutine. It grows, and is never
// read empty.
type Buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer].
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String is all that was written until now.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
