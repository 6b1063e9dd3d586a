package observe

import (
	"encoding/hex"
	"math/rand/v2"
)

// NewID returns the identity of a request: a random UUID (RFC 9562, version
// 4). The generator is the runtime's ChaCha8, which every processor has for
// itself: nobody guesses it, and nobody waits for it.
func NewID() string {
	var u [16]byte
	high, low := rand.Uint64(), rand.Uint64()
	for i := range 8 {
		u[i], u[8+i] = byte(high>>(8*i)), byte(low>>(8*i))
	}
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[:8], u[:4])
	hex.Encode(text[9:13], u[4:6])
	hex.Encode(text[14:18], u[6:8])
	hex.Encode(text[19:23], u[8:10])
	hex.Encode(text[24:], u[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
