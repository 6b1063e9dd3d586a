//go:build !linux

package crilog

// watch looks from time to time.
func watch(string) (*watcher, error) { return &watcher{close: func() {}}, nil }
