//go:build linux

package pod

import (
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/causeway-access/causeway/internal/podrun/crilog"
)

// patience is how long an attached agent may let a container wait. One that
// takes nothing for so long is let go.
const patience = 10 * time.Second

// output is a stream of a container: into its log, and to who is attached.
type output struct {
	from *os.File

	mu    sync.Mutex
	sinks map[*os.File]bool
}

func (o *output) add(sink *os.File) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sinks == nil {
		o.sinks = map[*os.File]bool{}
	}
	o.sinks[sink] = true
}

func (o *output) remove(sink *os.File) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.sinks, sink)
}

// Write sends p to all that are attached.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for sink := range o.sinks {
		_ = sink.SetWriteDeadline(time.Now().Add(patience))
		if _, err := sink.Write(p); err != nil {
			delete(o.sinks, sink)
		}
	}
	return len(p), nil
}

// pump reads a stream until its end. It goes on when the log cannot be
// written, for a full disk must not stop the container.
func (k *container) pump(o *output, name string) {
	var log io.WriteCloser
	if k.log != nil {
		log = k.log.Stream(name)
	}
	k.pumps.Go(func() {
		buffer := make([]byte, 32<<10)
		for {
			n, err := o.from.Read(buffer)
			if log != nil {
				_, _ = log.Write(buffer[:n])
			}
			_, _ = o.Write(buffer[:n])
			if err != nil {
				break
			}
		}
		if log != nil {
			_ = log.Close()
		}
	})
}

// drain waits until all that the container wrote has been read. Nobody holds
// the other ends any more, unless they were given to somebody elsewhere.
func (k *container) drain() {
	for _, o := range k.outputs {
		if o != nil {
			_ = o.from.SetReadDeadline(time.Now().Add(patience))
		}
	}
	k.pumps.Wait()
}

// streams makes the program's, and returns its ends of them.
func (k *container) streams() ([3]*os.File, error) {
	var stdio [3]*os.File
	config := k.spec.Config
	if config.TTY {
		master, slave, err := terminal()
		if err != nil {
			return stdio, err
		}
		k.master = master
		k.outputs[0] = &output{from: master}
		k.pump(k.outputs[0], crilog.Stdout)
		if config.Stdin {
			k.input = &input{to: master, once: config.StdinOnce, terminal: true}
		}
		// Three of them, for each is closed by itself.
		for i := range stdio {
			if stdio[i], err = clone(slave); err != nil {
				break
			}
		}
		slave.Close()
		return stdio, err
	}
	if config.Stdin {
		r, w, err := os.Pipe()
		if err != nil {
			return stdio, err
		}
		stdio[0], k.input = r, &input{to: w, once: config.StdinOnce}
	}
	for i, name := range []string{crilog.Stdout, crilog.Stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			return stdio, err
		}
		stdio[i+1], k.outputs[i] = w, &output{from: r}
		k.pump(k.outputs[i], name)
	}
	return stdio, nil
}

// input is a container's standard input, of which attached agents are the
// source, one after the other or together.
type input struct {
	to             *os.File
	once, terminal bool
	closing        sync.Once
}

func (i *input) close() { i.closing.Do(func() { i.to.Close() }) }

// copy passes on what comes until its end.
func (i *input) copy(from io.Reader) {
	_, _ = io.Copy(i.to, from)
	switch {
	case !i.once:
	case i.terminal:
		_, _ = i.to.Write([]byte{4}) // ^D; the terminal is for output, too
	default:
		i.close()
	}
}

// clone returns another descriptor of the same file.
func clone(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// pollable returns another descriptor of the same pipe, whose reads and writes
// can be given up.
func pollable(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}
