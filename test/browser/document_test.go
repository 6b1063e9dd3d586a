//go:build host

package browser

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// document tells how the applications are started and made services.
const document = "../../docs/web-applications.md"

// follow does what the document says, in one shell: the blocks that begin with
// ```sh run, up to the last, and that when the test ends. It returns when the
// applications answer.
func (s *site) follow(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(s.Home, "examples"), os.DirFS("../../examples")); err != nil {
		t.Fatal(err)
	}
	var script []string
	for _, block := range regexp.MustCompile("(?ms)^```sh run\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		script = append(script, block[1])
	}
	script = slices.Insert(script, len(script)-1, "printf '\\ndone as told\\n'\nread -r\n")
	s.tell(t, strings.Join(script, ""))
}

// tell runs a script up to where it reads, and the rest when the test ends.
func (s *site) tell(t *testing.T, script string) {
	t.Helper()
	var log bytes.Buffer
	shell := s.command("bash", "-euo", "pipefail", "-c", script)
	shell.Stderr = &log
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // to end with all that it has started
	input, err := shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	end := func() { _ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL) } // what is left of it
	late := time.AfterFunc(2*patience, end)
	lines := bufio.NewScanner(output)
	for lines.Scan() && lines.Text() != "done as told" {
	}
	late.Stop()
	t.Cleanup(func() {
		defer time.AfterFunc(patience, end).Stop()
		fmt.Fprintln(input) // it may have ended
		_, _ = io.Copy(io.Discard, output)
		if err := shell.Wait(); err != nil {
			t.Errorf("the commands of %s: %v\n%s", document, err, &log)
		}
		end()
	})
	if lines.Text() != "done as told" {
		t.FailNow()
	}
}
