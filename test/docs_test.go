package test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A block is a fenced piece of a document that is marked as runnable: its
// first line is ```sh run, or ```sh run background for a server that the
// blocks after it need.
type block struct {
	text       string
	background bool
}

// blocks finds the runnable blocks of a document.
func blocks(document string) []block {
	var found []block
	fence := regexp.MustCompile("(?ms)^```sh run( background)?\n(.*?)^```$")
	for _, match := range fence.FindAllStringSubmatch(document, -1) {
		found = append(found, block{text: match[2], background: match[1] != ""})
	}
	return found
}

func TestBlocksAreFound(t *testing.T) {
	got := blocks("# T\n```sh run background\na\n```\ntext\n```sh\nno\n```\n```sh run\nb\nc\n```\n")
	want := []block{{"a\n", true}, {"b\nc\n", false}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("blocks = %+v, want %+v", got, want)
	}
}

// documents are the paths of all Markdown files, from the top directory.
func documents(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root(t), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.HasPrefix(entry.Name(), ".git") {
			return fs.SkipDir
		}
		if err == nil && filepath.Ext(path) == ".md" {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestCommandsInDocumentsRun runs the runnable blocks of each document, in
// order and in one shell, as a newcomer would with a cluster just started.
func TestCommandsInDocumentsRun(t *testing.T) {
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

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
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

// TestLinksInDocumentsLead checks links to files and to headings in them.
func TestLinksInDocumentsLead(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)]+)\)`)
	for _, path := range documents(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			file, heading, _ := strings.Cut(match[1], "#")
			target := filepath.Join(filepath.Dir(path), file)
			if file == "" {
				target = path
			}
			if err := leads(target, heading); err != nil {
				t.Errorf("%s: link to %s: %v", path, match[1], err)
			}
		}
	}
}

// leads says why there is no such file, or no such heading in it.
func leads(path, heading string) error {
	if heading == "" {
		_, err := os.Stat(path)
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, line := range strings.Split(string(text), "\n") {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") && anchor(title) == heading {
			return nil
		}
	}
	return errors.New("no such heading")
}

// anchor is the name that a heading gets in a link.
func anchor(title string) string {
	title = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(title), "")
	return strings.ReplaceAll(title, " ", "-")
}
