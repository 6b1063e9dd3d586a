package crilog

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// watch tells of writes and new files in a directory. Who has used up what
// the kernel gives of that is served by looking.
func watch(dir string) (*watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return &watcher{close: func() {}}, nil
	}
	events := os.NewFile(uintptr(fd), "inotify")
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_MODIFY|unix.IN_CREATE|unix.IN_MOVED_TO); err != nil {
		events.Close()
		if os.IsNotExist(err) {
			return nil, fmt.Errorf("watching %s: %w", dir, err)
		}
		return &watcher{close: func() {}}, nil
	}
	changed := make(chan struct{}, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 4096)
		for {
			if _, err := events.Read(buffer); err != nil {
				return
			}
			select {
			case changed <- struct{}{}:
			default: // it will look anyway
			}
		}
	}()
	return &watcher{changed: changed, close: func() {
		events.Close()
		<-done
	}}, nil
}
