package load

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed clientcert/preload.c
var preloadSource []byte

// BuildPreload builds the library for Request.Preload in dir. Neither wrk nor
// h2load has a flag for a client certificate, and the same tool for all rows
// is what makes them comparable.
func BuildPreload(ctx context.Context, dir string) (string, error) {
	source, library := filepath.Join(dir, "preload.c"), filepath.Join(dir, "preload.so")
	if err := os.WriteFile(source, preloadSource, 0o600); err != nil {
		return "", err
	}
	if out, err := exec.CommandContext(ctx, "cc", "-shared", "-fPIC", "-o", library, source, "-ldl").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build what presents client certificates: %w: %s", err, out)
	}
	return library, nil
}
