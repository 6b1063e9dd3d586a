package crilog

import (
	"errors"
	"os"
	"slices"
)

// openAll opens the files of a log, the oldest first. It goes from the newest
// to the oldest, as files are turned: one that is turned meanwhile is met
// twice, and none is missed.
func openAll(path string) ([]*os.File, error) {
	var files []*os.File
	err := each(path, func(f *os.File) (bool, error) {
		if len(files) > 0 && same(f, files[len(files)-1]) {
			return true, f.Close()
		}
		files = append(files, f)
		return true, nil
	})
	if err != nil {
		for _, f := range files {
			f.Close()
		}
		return nil, err
	}
	slices.Reverse(files)
	return files, nil
}

// openNext opens the file that came after last: nil if there is none yet. If
// last is no longer there, or nil, it is the oldest that is.
func openNext(path string, last *os.File) (*os.File, error) {
	if last != nil && isAt(last, path) {
		return nil, nil
	}
	var younger *os.File
	err := each(path, func(f *os.File) (bool, error) {
		if last != nil && same(f, last) {
			return false, f.Close()
		}
		if younger != nil {
			younger.Close()
		}
		younger = f
		return true, nil
	})
	if err != nil && younger != nil {
		younger.Close()
		younger = nil
	}
	return younger, err
}

// each opens the files from the newest on, until f says that it is enough. f
// gets them to keep. While a log is turned one of them is missing.
func each(path string, f func(*os.File) (more bool, err error)) error {
	for n, missing := 0, 0; missing < 2; n++ {
		name := path
		if n > 0 {
			name = numbered(path, n)
		}
		file, err := os.Open(name)
		if errors.Is(err, os.ErrNotExist) {
			missing++
			continue
		}
		if err != nil {
			return err
		}
		missing = 0
		if more, err := f(file); err != nil || !more {
			return err
		}
	}
	return nil
}

func same(a, b *os.File) bool {
	x, err := a.Stat()
	if err != nil {
		return false
	}
	y, err := b.Stat()
	return err == nil && os.SameFile(x, y)
}

// isAt reports whether f is the file of that name.
func isAt(f *os.File, path string) bool {
	is, err := os.Stat(path)
	if err != nil {
		return false
	}
	info, err := f.Stat()
	return err == nil && os.SameFile(info, is)
}
