package h2

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// block is the header block that is being read: a HEADERS frame and the
// CONTINUATION frames behind it (RFC 9113, section 4.3). It is used again for
// the next.
type block struct {
	hpack *hpack.Decoder
	most  int // of size; above, the request is answered 431

	stream    uint32
	open      bool // more frames are to come
	end       bool // END_STREAM
	size      int  // of the fields, as RFC 9113, section 6.5.2 counts it
	encoded   int
	frames    int
	truncated bool
	fault     error // the first
	pseudo    [numPseudo]string
	has       [numPseudo]bool
	fields    []hpack.HeaderField // the others
}

// The pseudo-header fields of requests (RFC 9113, section 8.3.1; RFC 8441).
const (
	method = iota
	scheme
	authority
	path
	protocol
	numPseudo
)

var pseudoNames = [numPseudo]string{":method", ":scheme", ":authority", ":path", ":protocol"}

func (b *block) init(cfg *Config) {
	// net/http counts generously, too: ten fields' overhead comes on top.
	b.most = cfg.MaxHeaderBytes + 10*32
	b.hpack = hpack.NewDecoder(tableSize, b.add)
	b.hpack.SetMaxStringLength(2 * b.most)
}

// begin begins a block.
func (b *block) begin(stream uint32, end bool) {
	clear(b.fields)
	*b = block{hpack: b.hpack, most: b.most, stream: stream, open: true, end: end, fields: b.fields[:0]}
	b.hpack.SetEmitEnabled(true)
}

// write decodes the fragment of one frame. All of it is decoded, since what
// comes later refers to it; so who sends without end, in frames of whatever
// size, is cut off (CVE-2024-27316).
func (b *block) write(fragment []byte, last bool) error {
	b.encoded += len(fragment)
	b.frames++
	if b.encoded > 2*b.most || b.frames > 16+b.most/1024 {
		return http2.ConnectionError(http2.ErrCodeEnhanceYourCalm)
	}
	if _, err := b.hpack.Write(fragment); err != nil {
		return http2.ConnectionError(http2.ErrCodeCompression)
	}
	if !last {
		return nil
	}
	b.open = false
	if err := b.hpack.Close(); err != nil {
		return http2.ConnectionError(http2.ErrCodeCompression)
	}
	return nil
}

// add takes a field.
func (b *block) add(f hpack.HeaderField) {
	if b.size += int(f.Size()); b.size > b.most {
		b.truncated = true
		b.hpack.SetEmitEnabled(false)
		return
	}
	if b.fault != nil {
		return
	}
	if !httpguts.ValidHeaderFieldValue(f.Value) {
		b.fault = fmt.Errorf("the value of %q has control characters", f.Name)
		return
	}
	if strings.HasPrefix(f.Name, ":") {
		b.fault = b.addPseudo(f)
		return
	}
	if !validName(f.Name) {
		b.fault = fmt.Errorf("the name %q is none, or not in lower case", f.Name)
		return
	}
	b.fields = append(b.fields, f)
}

func (b *block) addPseudo(f hpack.HeaderField) error {
	if len(b.fields) > 0 {
		return fmt.Errorf("%s stands behind other fields", f.Name)
	}
	for i, name := range pseudoNames {
		if f.Name != name {
			continue
		}
		if b.has[i] {
			return fmt.Errorf("%s is given twice", f.Name)
		}
		b.has[i], b.pseudo[i] = true, f.Value
		return nil
	}
	return fmt.Errorf("%q is unknown", f.Name)
}

var errPseudo = errors.New("pseudo-header fields in a trailer")

// checkTrailer says what is wrong with the block as a trailer.
func (b *block) checkTrailer() error {
	if b.fault == nil && b.has != [numPseudo]bool{} {
		return errPseudo
	}
	return b.fault
}

// validName reports whether a name is a token in lower case (RFC 9113, section
// 8.2.1).
func validName(name string) bool {
	for i := range len(name) {
		if c := name[i]; c >= 'A' && c <= 'Z' || !httpguts.IsTokenRune(rune(c)) {
			return false
		}
	}
	return name != ""
}
