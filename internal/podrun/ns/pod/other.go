//go:build !linux

package pod

// Main does nothing: there are no pods here.
func Main([]string) {}
