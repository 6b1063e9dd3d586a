//go:build host

package test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/causeway-access/causeway/test/inside"
)

// TestCommandsInDocumentsRun runs the runnable blocks of each document, in
// order and in one shell, as a newcomer would with a cluster just started. The
// address of the machine is one that nobody else sees.
func TestCommandsInDocumentsRun(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	cluster := startCluster(t)
	ran := 0
	for _, path := range documents(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if found := blocks(string(text)); len(found) > 0 {
			ran++
			t.Run(filepath.Base(path), func(t *testing.T) { run(t, cluster, found) })
		}
	}
	if ran < 5 {
		t.Errorf("only %d documents have runnable blocks", ran)
	}
}

// run runs blocks. Ports that the documents name may be taken on this machine,
// so free ones stand in for them.
func run(t *testing.T, cluster started, blocks []block) {
	ports := strings.NewReplacer("8080", freePort(t), "8001", freePort(t))
	dir := t.TempDir()
	copyExamples(t, dir, ports)
	env := append(cluster.env(), "DATA="+cluster.Info.DataDir)
	var script strings.Builder
	script.WriteString("set -euo pipefail\n")
	for _, b := range blocks {
		if b.background {
			serve(t, dir, env, ports.Replace(b.text))
			continue
		}
		script.WriteString(ports.Replace(b.text))
	}
	shell := exec.Command("bash", "-x", "-c", script.String())
	shell.Dir, shell.Env = dir, env
	shell.WaitDelay = 10 * time.Second // for what it may have left running
	if out, err := shell.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// serve runs a server until the test ends, and waits until it says something.
func serve(t *testing.T, dir string, env []string, text string) {
	t.Helper()
	var out bytes.Buffer
	server := exec.Command("bash", "-c", "exec "+text)
	server.Dir, server.Env, server.Stderr = dir, env, &out
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// It may have ended by itself, which the block that needs it has told.
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	if _, err := stdout.Read(make([]byte, 1)); err != nil {
		t.Fatalf("%s: %v\n%s", text, err, &out)
	}
}

// freePort is a port that is free now and will be: it is none of those that
// systems give to who wants any (RFC 6335, section 6, and Linux from 32768 on).
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := fmt.Sprint(20000 + rand.IntN(12000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// copyExamples puts examples/ into dir.
func copyExamples(t *testing.T, dir string, ports *strings.Replacer) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root(t), "examples", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	to := filepath.Join(dir, "examples")
	if err := os.Mkdir(to, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(filepath.Join(to, filepath.Base(path)), []byte(ports.Replace(string(data))), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
