package server

import (
	"io"
	"time"
)

// beatStep is the pause between two signs of life.
const beatStep = 10 * time.Second

// beat writes nothing to an output from time to time, until the returned func
// is called. A client that is killed with more input under way than fits would
// be there for ever otherwise: the end of its connection comes after that
// input, which nobody takes. Its kernel answers what is sent to it with a reset.
func beat(to io.Writer) (stop func()) {
	if to == nil {
		return func() {}
	}
	stopped := make(chan struct{})
	go func() {
		ticker := time.NewTicker(beatStep)
		defer ticker.Stop()
		for {
			select {
			case <-stopped:
				return
			case <-ticker.C:
			}
			if _, err := to.Write(nil); err != nil {
				return
			}
		}
	}()
	return func() { close(stopped) }
}
