package crilog

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"time"
)

// copier goes through the files of a log.
type copier struct {
	path    string
	changes *watcher
	out     *printer
	// files are those to be read, the one that is read first.
	files []*os.File
	in    *bufio.Reader
	// rest is the beginning of a line.
	rest []byte
	// end is the size up to which the last file is read; negative if it may grow.
	end int64
	// pause is how long the last wait for more was, where one has to look.
	pause time.Duration
}

func newCopier(w io.Writer, path string, o Options) *copier {
	return &copier{path: path, out: newPrinter(w, o), in: bufio.NewReaderSize(nil, block), end: -1}
}

// open opens what there is, at the place where reading begins. If nobody
// follows, it ends where the log ends now.
func (c *copier) open(o Options) error {
	var err error
	if c.files, err = openAll(c.path); err != nil {
		return err
	}
	if len(c.files) == 0 {
		if o.Follow != nil {
			return nil
		}
		return &os.PathError{Op: "open", Path: c.path, Err: os.ErrNotExist}
	}
	if o.Tail != nil {
		if err := c.tail(o); err != nil {
			return err
		}
	}
	if o.Follow == nil {
		newest, err := c.files[len(c.files)-1].Stat()
		if err != nil {
			return err
		}
		c.end = newest.Size()
	}
	return c.begin()
}

// begin reads the first of the files next. A line does not go over to another.
func (c *copier) begin() error {
	var from io.Reader = c.files[0]
	if len(c.files) == 1 && c.end >= 0 {
		at, err := c.files[0].Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		from = io.LimitReader(from, c.end-at)
	}
	c.in.Reset(from)
	c.rest = c.rest[:0]
	return nil
}

// run reads until the end of the log, or of the container that is followed.
func (c *copier) run(ctx context.Context, follow <-chan struct{}) error {
	for ctx.Err() == nil {
		ended := follow == nil || isClosed(follow) // asked before what is read
		if err := c.drain(); err != nil {
			return err
		}
		moved, err := c.advance(follow != nil)
		if err != nil {
			return err
		}
		if moved {
			continue
		}
		if err := c.out.flush(); err != nil || ended {
			return err
		}
		c.pause = min(max(2*c.pause, shortestPause), longestPause)
		c.changes.wait(ctx, follow, c.pause)
	}
	return ctx.Err()
}

// drain passes on the lines that there are.
func (c *copier) drain() error {
	if len(c.files) == 0 {
		return nil
	}
	for {
		piece, err := c.in.ReadSlice('\n')
		if len(piece) > 0 {
			c.pause = 0
		}
		switch {
		case err == nil && len(c.rest) == 0:
			err = c.out.line(piece)
		case err == nil:
			err = c.out.line(append(c.rest, piece...))
			c.rest = c.rest[:0]
		case errors.Is(err, bufio.ErrBufferFull) && len(c.rest) < longestLine:
			c.rest = append(c.rest, piece...)
			continue
		case errors.Is(err, bufio.ErrBufferFull):
			c.rest = c.rest[:0]
			continue
		case errors.Is(err, io.EOF):
			c.rest = append(c.rest, piece...)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// advance goes to the next file once one is finished, and reports whether there
// is one.
func (c *copier) advance(follow bool) (bool, error) {
	if follow && len(c.files) <= 1 {
		return c.follow()
	}
	if len(c.files) <= 1 {
		return false, nil
	}
	c.files[0].Close()
	c.files = c.files[1:]
	return true, c.begin()
}

// follow goes to the file that came after the last, if there is one. When a log
// has been turned nothing more is written to the file before, but something may
// have been since it was read.
func (c *copier) follow() (bool, error) {
	var last *os.File
	if len(c.files) > 0 {
		last = c.files[0]
	}
	next, err := openNext(c.path, last)
	if next == nil || err != nil {
		return false, err
	}
	if err := c.drain(); err != nil {
		next.Close()
		return false, err
	}
	if last != nil {
		last.Close()
	}
	c.files = []*os.File{next}
	return true, c.begin()
}

func (c *copier) close() {
	for _, f := range c.files {
		f.Close()
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
