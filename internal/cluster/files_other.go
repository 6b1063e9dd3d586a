//go:build !unix

package cluster

import "math"

// openFiles is how many files this process may have open: where the system
// sets no such limit, any number.
func openFiles() int { return math.MaxInt }
