package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/causeway-access/causeway/bench/nodes"
)

// nodesSuite measures pods; see package nodes.
func nodesSuite(ctx context.Context, b *bench) error {
	o := nodes.Options{
		Program: b.program, Pod: filepath.Join(b.dir, "pod"), Dir: filepath.Join(b.dir, "nodes"),
		Rounds: b.rounds, Single: 5, Many: b.pods,
	}
	if err := os.Mkdir(o.Dir, 0o755); err != nil {
		return err
	}
	// It is alone in its image: nothing there for it to be linked with.
	if err := command(ctx, []string{"CGO_ENABLED=0"}, "go", "build", "-o", o.Pod, "./bench/pod"); err != nil {
		return err
	}
	figures, err := nodes.Run(ctx, o)
	if err != nil {
		return err
	}
	b.addProxy(figures, nodes.Causeway)
	return nil
}
