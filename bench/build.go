package main

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// build measures the binary, and how long it takes to make.
func build(ctx context.Context, b *bench) error {
	stripped := filepath.Join(b.dir, "stripped")
	if err := command(ctx, nil, "go", "build", "-ldflags=-s -w", "-o", stripped, "./cmd/causeway"); err != nil {
		return err
	}
	for name, path := range map[string]string{"binary": b.program, "binary, stripped": stripped} {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		b.report.add(name, "MB", float64(info.Size())/1e6)
	}
	if !b.cleanBuild {
		return nil
	}
	begun := time.Now()
	cache := "GOCACHE=" + filepath.Join(b.dir, "cache")
	if err := command(ctx, []string{cache}, "go", "build", "-o", filepath.Join(b.dir, "clean"), "./cmd/causeway"); err != nil {
		return err
	}
	b.report.add("build with an empty cache", "s", time.Since(begun).Seconds())
	return nil
}
