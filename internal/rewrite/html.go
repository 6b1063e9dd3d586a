package rewrite

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"golang.org/x/net/html"
)

// longestToken bounds what is kept of a page: its longest token, as a rule a
// script. From one that is longer on, the page goes through as it is.
const longestToken = 1 << 20

// html copies a page from src to dst, token by token. A tag without a URL to
// change is copied byte for byte, and so is everything that is no tag.
func (r *Rules) html(dst io.Writer, src io.Reader) error {
	in := &unsent{src: src}
	z := html.NewTokenizer(in)
	z.SetMaxBuf(longestToken)
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return in.rest(dst, z.Err())
		}
		raw := z.Raw()
		if !bytes.HasPrefix(in.held, raw) { // cannot be; if it is, change nothing more
			return in.rest(dst, html.ErrBufferExceeded)
		}
		in.held = in.held[len(raw):]
		if kind == html.StartTagToken || kind == html.SelfClosingTagToken {
			raw = r.tag(raw)
		}
		if _, err := dst.Write(raw); err != nil {
			return err
		}
	}
}

// unsent holds what the tokenizer has read of a page and not yet given back,
// so that no byte is lost when it stops.
type unsent struct {
	src  io.Reader
	held []byte
}

func (u *unsent) Read(p []byte) (int, error) {
	n, err := u.src.Read(p)
	u.held = append(u.held, p[:n]...)
	return n, err
}

// rest writes what is left after the tokenizer has stopped.
func (u *unsent) rest(dst io.Writer, why error) error {
	if _, err := dst.Write(u.held); err != nil {
		return err
	}
	switch {
	case errors.Is(why, io.EOF):
		return nil
	case errors.Is(why, html.ErrBufferExceeded):
		_, err := bufio.NewReader(u.src).WriteTo(struct{ io.Writer }{dst})
		return err
	default:
		return why
	}
}
