package rewrite

import (
	"io"
	"slices"
	"strings"
	"sync"
)

// page is a page on its way. Its memory is constant: what is no tag with URLs
// goes on as it comes, and such a tag is kept until it is complete or as long
// as the buffer.
type page struct {
	rules *Rules
	dst   io.Writer
	tags  scanner
	based bool // a base element was seen; those after it mean nothing
	away  bool // and it leads to a foreign host, and all paths with it

	attribute value // the one being written
	buf       [64 << 10]byte
}

var pages = sync.Pool{New: func() any { return new(page) }}

// html copies a page from src to dst. A tag without a URL to change is copied
// byte for byte, and so is everything that is no tag.
func (r *Rules) html(dst io.Writer, src io.Reader, xml bool) error {
	p := pages.Get().(*page)
	defer pages.Put(p)
	p.rules, p.dst, p.based, p.away = r, dst, false, false
	defer func() { p.rules, p.dst, p.attribute.dst = nil, nil, nil }()
	p.tags.reset(xml)
	kept := 0
	for {
		n, err := src.Read(p.buf[kept:])
		held, werr := p.pass(p.buf[:kept+n], kept)
		if werr != nil {
			return werr
		}
		kept = copy(p.buf[:], held)
		if err == nil {
			continue
		}
		if werr := p.write(p.buf[:kept]); werr != nil {
			return werr
		}
		if err == io.EOF {
			return nil
		}
		return err
	}
}

// pass writes data, of which all from the byte at from on is new. It returns
// the end of it, if that is the beginning of a tag whose URLs may change.
func (p *page) pass(data []byte, from int) (held []byte, err error) {
	sent := 0
	for i := p.tags.next(data, from); p.tags.complete; i = p.tags.next(data, i) {
		if err := p.tag(data[sent:i], p.tags.held-sent); err != nil {
			return nil, err
		}
		sent = i
		p.tags.release()
	}
	if p.tags.held < 0 {
		return nil, p.write(data[sent:])
	}
	if sent == 0 && p.tags.held == 0 && len(data) == len(p.buf) {
		// The tag is as long as the buffer. What is complete of it changes, and
		// the rest passes.
		err := p.tag(data, 0)
		p.tags.release()
		return nil, err
	}
	err = p.write(data[sent:p.tags.held])
	held = data[p.tags.held:]
	p.tags.held = 0
	return held, err
}

// write writes what there is.
func (p *page) write(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	_, err := p.dst.Write(data)
	return err
}

// tag writes data that ends with a tag, whose values count from the byte at
// start on.
func (p *page) tag(data []byte, start int) error {
	values := p.tags.values()
	refreshes := slices.ContainsFunc(values, func(v place) bool {
		return v.holds == equiv && strings.EqualFold(unescape(string(data[start+v.from:start+v.to])), "refresh")
	})
	copied := 0
	for _, v := range values {
		if v.holds == equiv || v.holds == delayed && !refreshes {
			continue
		}
		from, to := start+v.from, start+v.to
		if err := p.write(data[copied:from]); err != nil {
			return err
		}
		if err := p.value(string(data[from:to]), v.holds); err != nil {
			return err
		}
		copied = to
	}
	return p.write(data[copied:])
}

// value writes the value of an attribute with its URLs changed.
func (p *page) value(raw string, holds shape) error {
	v := &p.attribute
	v.reset(p.dst, raw)
	switch holds {
	case single:
		v.replace(p.lead(v.text))
	case base:
		v.replace(p.rules.lead(v.text))
		if !p.based {
			p.based, p.away = true, p.rules.foreign(v.text)
		}
	case set:
		p.sourceSet(v)
	case delayed:
		start, end := refreshURL(v.text)
		from, to, head := p.lead(v.text[start:end])
		v.replace(start+from, start+to, head)
	}
	return v.rest()
}

// lead is that of the rules, in a page.
func (p *page) lead(ref string) (from, to int, head string) {
	from, to, head = p.rules.lead(ref)
	if p.away && from < len(ref) && slash(ref[from]) {
		return 0, 0, ""
	}
	return from, to, head
}
