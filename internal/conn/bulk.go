package conn

import (
	"io"
	"net"
)

// bulk is how much is passed on without a look at it, so that what is counted
// is never further behind.
const bulk = 1 << 20

// passBulk passes on what comes next between two TCP connections without
// bringing it into this process, where the system can do that (splice on
// Linux). It returns after that much or at the end of src, which the next read
// sees again. It is for connections that are busy: a waiting one holds a pipe.
func passBulk(dst, src net.Conn, count *Counter) error {
	to, ok := dst.(*net.TCPConn)
	from, is := src.(*net.TCPConn)
	if !ok || !is {
		return nil
	}
	n, err := to.ReadFrom(&io.LimitedReader{R: from, N: bulk})
	count.Add(n)
	return err
}
