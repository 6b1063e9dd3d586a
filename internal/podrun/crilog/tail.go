package crilog

import (
	"bytes"
	"io"
	"os"
)

// tail puts the files to where the last lines begin. It reads them from their
// ends, and no more than is needed.
func (c *copier) tail(o Options) error {
	lines := counter{want: max(*o.Tail, 0), stream: o.Stream, seen: map[string]bool{}}
	for i := len(c.files) - 1; i >= 0; i-- {
		offset, found, err := lines.search(c.files[i])
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		for _, older := range c.files[:i] {
			older.Close()
		}
		c.files = c.files[i:]
		_, err = c.files[0].Seek(offset, io.SeekStart)
		return err
	}
	return nil
}

// counter counts lines from the end of a log.
type counter struct {
	want   int64
	stream string
	// seen tells which streams have had a line: a part of one that comes
	// before is of a line that was counted.
	seen map[string]bool
}

// search returns where in the file the lines begin that are still wanted, and
// whether they all are in it.
func (c *counter) search(f *os.File) (int64, bool, error) {
	start, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, false, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, false, err
	}
	var text []byte // from start on, up to the end of the last line not yet counted
	for ended := false; start > 0; {
		n := min(start, int64(max(block, len(text)))) // a long line is not copied often
		more := make([]byte, n, n+int64(len(text)))
		if _, err := f.ReadAt(more, start-n); err != nil {
			return 0, false, err
		}
		start -= n
		text = append(more, text...)
		if !ended { // what has no end yet is not counted
			last := bytes.LastIndexByte(text, '\n')
			ended = last >= 0
			text = text[:last+1]
		}
		offset, found := c.within(&text, start)
		if found {
			return offset, true, nil
		}
	}
	return 0, false, nil
}

// within counts the lines that are whole in text, which is at start of the
// file, and takes them off it. It returns where the first wanted line begins,
// if the one before it is here.
func (c *counter) within(text *[]byte, start int64) (int64, bool) {
	for len(*text) > 0 {
		begin := bytes.LastIndexByte((*text)[:len(*text)-1], '\n') + 1
		if begin == 0 && start > 0 {
			break
		}
		if c.beyond((*text)[begin : len(*text)-1]) {
			return start + int64(len(*text)), true
		}
		*text = (*text)[:begin]
	}
	return 0, false
}

// beyond counts a line and reports whether it is one too many.
func (c *counter) beyond(raw []byte) bool {
	l, whole, err := parse(raw)
	if err != nil || c.stream != "" && l.Stream != c.stream {
		return false
	}
	if whole || !c.seen[l.Stream] {
		if c.want == 0 {
			return true
		}
		c.want--
	}
	c.seen[l.Stream] = true
	return false
}
