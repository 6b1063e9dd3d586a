//go:build linux

package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// largest message: an environment of arguments as long as the kernel takes
// them fits.
const largest = 8 << 20

// mostFiles is how many files the kernel lets come with one message.
const mostFiles = 253

// Conn is a connection that carries messages and files.
type Conn struct{ *net.UnixConn }

// Dial connects to the socket name in dir, however long dir's name is.
func Dial(dir, name string) (*Conn, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	c, err := net.DialUnix("unix", nil, at(d, name))
	if err != nil {
		return nil, err
	}
	return &Conn{UnixConn: c}, nil
}

// Listen makes the socket name in dir.
func Listen(dir, name string) (*net.UnixListener, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	l, err := net.ListenUnix("unix", at(d, name))
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	return l, nil
}

// at is an address below a directory: a unix socket's own is 107 bytes at most.
func at(d *os.File, name string) *net.UnixAddr {
	return &net.UnixAddr{Net: "unix", Name: fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), name)}
}

// Send writes a message with files, which stay open here.
func (c *Conn) Send(message any, files ...*os.File) error {
	if len(files) > mostFiles {
		return fmt.Errorf("%d files are too many for one message: at most %d mounts", len(files), mostFiles)
	}
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	if len(data) > largest {
		return fmt.Errorf("a message of %d bytes is too long: at most %d", len(data), largest)
	}
	data = append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...)
	var rights []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		rights = syscall.UnixRights(fds...)
	}
	n, _, err := c.WriteMsgUnix(data, rights, nil)
	if err == nil && n < len(data) {
		_, err = c.Write(data[n:])
	}
	return err
}

// Receive reads a message and the files that came with it. It returns io.EOF
// when the other side has closed.
func (c *Conn) Receive(message any) ([]*os.File, error) {
	files := []*os.File{}
	closeAll := func() {
		for _, f := range files {
			f.Close()
		}
	}
	head := make([]byte, 4)
	if err := c.full(head, &files); err != nil {
		closeAll()
		return nil, err
	}
	size := binary.BigEndian.Uint32(head)
	if size > largest {
		closeAll()
		return nil, fmt.Errorf("a message of %d bytes is too long: at most %d", size, largest)
	}
	data := make([]byte, size)
	err := c.full(data, &files)
	if err == nil {
		err = json.Unmarshal(data, message)
	}
	if err != nil {
		closeAll()
		return nil, err
	}
	return files, nil
}

// full fills data, and collects the files that come along.
func (c *Conn) full(data []byte, files *[]*os.File) error {
	rights := make([]byte, syscall.CmsgSpace(mostFiles*4))
	for read := 0; read < len(data); {
		n, rn, _, _, err := c.ReadMsgUnix(data[read:], rights)
		if rn > 0 {
			*files = append(*files, parse(rights[:rn])...)
		}
		read += n
		if err == nil && n == 0 {
			err = io.EOF
		}
		if errors.Is(err, io.EOF) && read > 0 && read < len(data) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// parse returns the files of a control message. The kernel has marked them
// close-on-exec (net asks for it).
func parse(rights []byte) []*os.File {
	var files []*os.File
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil {
		return nil
	}
	for _, m := range messages {
		fds, err := syscall.ParseUnixRights(&m)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "received"))
		}
	}
	return files
}
