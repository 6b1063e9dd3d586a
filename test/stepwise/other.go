//go:build !linux

package stepwise

// Main does nothing where programs cannot be run stepwise.
func Main([]string) {}
