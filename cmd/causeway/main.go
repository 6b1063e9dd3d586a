// Command causeway is the way into a cluster. See internal/cli for what it can
// do. Called by the name kubectl it is kubectl, and as causeway-pod the init
// process of a pod.
package main

import (
	"os"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/causeway-access/causeway/internal/cli"
	_ "github.com/causeway-access/causeway/internal/podrun/ns/early"
)

func main() {
	os.Exit(cli.Main(os.Args, genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}))
}
