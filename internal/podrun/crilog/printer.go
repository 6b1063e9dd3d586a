package crilog

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"time"
)

// errLimit ends reading: no more is wanted.
var errLimit = errors.New("the limit is reached")

// stampFormat is that of the Kubernetes API: all nine digits, so that times
// can be compared as text.
const stampFormat = "2006-01-02T15:04:05.000000000Z07:00"

// printer writes what of each line is wanted.
type printer struct {
	Options
	out *bufio.Writer
	// left is how many bytes may be written; negative if all.
	left int64
	// within tells which streams are in the middle of a line.
	within map[string]bool
}

func newPrinter(w io.Writer, o Options) *printer {
	p := &printer{Options: o, out: bufio.NewWriterSize(w, block), left: -1, within: map[string]bool{}}
	if o.Limit != nil {
		p.left = max(*o.Limit, 0)
	}
	return p
}

// line takes a line of the file.
func (p *printer) line(raw []byte) error {
	l, whole, err := parse(bytes.TrimSuffix(raw, []byte("\n")))
	if err != nil || p.Stream != "" && l.Stream != p.Stream || l.Time.Before(p.Since) {
		return nil // damaged lines are nobody's
	}
	if p.Timestamps && !p.within[l.Stream] {
		var space [64]byte
		stamp := append(l.Time.In(time.UTC).AppendFormat(space[:0], stampFormat), ' ')
		if err := p.write(stamp); err != nil {
			return err
		}
	}
	p.within[l.Stream] = !whole
	if err := p.write(l.Text); err != nil || !whole {
		return err
	}
	return p.write([]byte{'\n'})
}

// write writes as much as may be.
func (p *printer) write(data []byte) error {
	full := p.left >= 0 && int64(len(data)) >= p.left
	if full {
		data = data[:p.left]
	}
	if p.left >= 0 {
		p.left -= int64(len(data))
	}
	if _, err := p.out.Write(data); err != nil || !full {
		return err
	}
	return errors.Join(p.flush(), errLimit)
}

func (p *printer) flush() error { return p.out.Flush() }
