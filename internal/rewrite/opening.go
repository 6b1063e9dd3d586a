package rewrite

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"
)

const (
	// openingMin and openingMax bound how much of a compressed body is looked at
	// before it is believed.
	openingMin, openingMax = 4, 4 << 10
	// trialMax bounds what of it is decompressed for that.
	trialMax = 64 << 10
)

// opening is a body whose first bytes were looked at. It reads as the body.
type opening struct {
	io.ReadCloser
	first []byte
	whole bool    // first is all of the body
	err   error   // of reading behind first
	code  *coding // that the body is really in; nil if it is not in the one claimed
}

// open reads the first bytes of a body, waiting for no more than they take,
// and finds whether they are in the coding that they are said to be in.
func open(src io.ReadCloser, name string) *opening {
	o := &opening{ReadCloser: src}
	buf := make([]byte, openingMax)
	n := 0
	for n < openingMin && o.err == nil {
		var got int
		got, o.err = src.Read(buf[n:])
		n += got
	}
	o.first, o.whole = buf[:n], o.err == io.EOF
	if code := codingOf(name, o.first); n > 0 && (o.err == nil || o.whole) && code.holds(o.first, o.whole) {
		o.code = code
	}
	return o
}

// Read reads the body from its beginning.
func (o *opening) Read(p []byte) (int, error) {
	if len(o.first) > 0 {
		n := copy(p, o.first)
		o.first = o.first[n:]
		return n, nil
	}
	if o.err != nil {
		return 0, o.err
	}
	return o.ReadCloser.Read(p)
}

// holds reports whether a body that begins with first, or is that, is in the
// coding. Not all codings have a mark to be known by, so it is tried.
func (c *coding) holds(first []byte, whole bool) bool {
	d := c.decoders.Get().(decoder)
	defer c.decoders.Put(d)
	src := bytes.NewReader(first)
	err := d.Reset(src)
	if err == nil {
		_, err = io.CopyN(io.Discard, d, trialMax)
	}
	switch {
	case err == nil: // there is more than was tried
		return true
	case err == io.EOF:
		return src.Len() == 0 // what ends before its end has ended by chance
	case errors.Is(err, io.ErrUnexpectedEOF):
		return !whole && !plain(first)
	}
	return false
}

// plain reports whether bytes, too few to be decoded, look like text.
func plain(first []byte) bool {
	text := bytes.TrimLeft(bytes.TrimPrefix(first, []byte("\ufeff")), " \t\r\n\f")
	if len(text) == 0 || len(text) >= 2 && text[0] == '<' && (letter(text[1]) || bytes.IndexByte([]byte("!?/"), text[1]) >= 0) {
		return true
	}
	for _, c := range first {
		if c < ' ' && !space(c) || c >= utf8.RuneSelf {
			return false
		}
	}
	return len(first) >= 16
}
