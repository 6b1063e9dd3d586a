package leak

import (
	"testing"
	"time"
)

func TestWhatStaysIsFoundAndWhatEndsIsNot(t *testing.T) {
	end := make(chan struct{})
	go func() { <-end }()
	if err := find(0); err == nil {
		t.Error("a goroutine that stays is not found")
	}
	go func() {
		time.Sleep(time.Second) // longer than goleak waits
		close(end)
	}()
	if err := find(patience); err != nil {
		t.Errorf("goroutines that end within the time are said to stay: %v", err)
	}
}
