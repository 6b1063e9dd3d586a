package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// findProgram has the binary that is measured: the one that was given, or one
// built as a release is.
func (b *bench) findProgram(ctx context.Context) (err error) {
	if b.program != "" {
		b.program, err = filepath.Abs(b.program)
		return err
	}
	b.program, err = b.build(ctx, "./cmd/causeway")
	return err
}

// build builds a program into the scratch directory.
func (b *bench) build(ctx context.Context, pkg string) (string, error) {
	path := filepath.Join(b.dir, filepath.Base(pkg))
	return path, command(ctx, nil, "go", "build", "-o", path, pkg)
}

func command(ctx context.Context, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
	}
	return nil
}

// subject is a running `causeway up`.
type subject struct {
	cmd    *exec.Cmd
	took   time.Duration // from exec until it said that it is ready
	config *rest.Config
}

// start runs the program on the data directory of that name.
func (b *bench) start(ctx context.Context, data string) (*subject, error) {
	dir := filepath.Join(b.dir, data)
	s := &subject{cmd: exec.CommandContext(ctx, b.program, "up", "--node=false", "-o", "json", "--listen", "127.0.0.1:0",
		"--data-dir", dir, "--kubeconfig", filepath.Join(b.dir, data+".kubeconfig"))}
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	var info struct{ AdminKubeconfig string }
	if err := json.NewDecoder(out).Decode(&info); err != nil {
		return nil, errors.Join(fmt.Errorf("the program did not say that it is ready: %w", err), s.stop())
	}
	s.took = time.Since(begun)
	if s.config, err = clientcmd.BuildConfigFromFlags("", info.AdminKubeconfig); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.config.QPS, s.config.Burst = -1, -1
	return s, nil
}

func (s *subject) client() (kubernetes.Interface, error) { return kubernetes.NewForConfig(s.config) }

func (s *subject) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.cmd.Wait()
}

var memoryLine = regexp.MustCompile(`(?m)^(VmRSS|RssAnon):\s+(\d+) kB`)

// memory is what the process has in memory, and of that what is its own, in MB.
func (s *subject) memory() (resident, own float64, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	values := map[string]float64{}
	for _, m := range memoryLine.FindAllSubmatch(status, -1) {
		kb, err := strconv.ParseFloat(string(m[2]), 64)
		if err != nil {
			return 0, 0, err
		}
		values[string(m[1])] = kb / 1000
	}
	return values["VmRSS"], values["RssAnon"], nil
}
