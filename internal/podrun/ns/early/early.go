// Package early makes the program that imports it a pod's init process, or what
// keeps namespaces for an ordinary user's pods, when it is called as one, before
// the libraries that such a process never uses have been made ready. It is
// imported for this alone, by main packages.
//
// It is of floor 1.
//
// Pods are started by this same program, of which the init process is a small
// part; preparing all of Kubernetes' libraries would cost each pod some tens of
// milliseconds and some megabytes. Go prepares packages in the order of their
// import paths, each as soon as those that it imports are ready, and this
// package imports little. So the deed is done in an init function, which the
// house has nowhere else: main comes too late. See
// docs/decisions/0016-early-pods.md.
package early

import (
	"os"

	"github.com/causeway-access/causeway/internal/podrun/ns/pod"
	"github.com/causeway-access/causeway/internal/podrun/ns/userns"
)

//nolint:gochecknoinits // see the package's comment
func init() {
	pod.Main(os.Args)
	userns.Main(os.Args)
}
