//go:build linux && host

package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/causeway-access/causeway/test/inside"
)

// forward has a port of a pod forwarded, asks there, and ends it.
const forward = `kubectl port-forward web :8080 >forward.log 2>&1 & p=$!
until grep -q Forwarding forward.log; do kill -0 $p 2>/dev/null || { cat forward.log; exit 1; }; sleep 0.1; done
port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) .*/\1/p' forward.log)
for i in 1 2 3; do curl -sS --noproxy '*' http://127.0.0.1:$port/etc/hostname-of-pod; done; kill $p; wait $p; true`

// listen has python serve a file on the pod's loopback address, and waits.
const listen = `mkdir -p /tmp/www/etc; echo web > /tmp/www/etc/hostname-of-pod; cd /tmp/www
echo one; echo two; echo three
exec python3 -m http.server --bind 127.0.0.1 8080 >/dev/null 2>&1`

// TestEveryKubectlComesIn types what people do with a pod.
func TestEveryKubectlComesIn(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	w := newWorld(t)
	for name, kubectl := range kubectls(t) {
		t.Run(name, func(t *testing.T) {
			d := w.desk(t, kubectl)
			pod := "web-" + strings.NewReplacer(".", "-").Replace(name)
			w.run(pod, map[string]string{
				"main": listen, "second": "sleep 1000000",
				"talk": `while read line; do echo "got $line"; done; echo bye`,
			})
			for _, row := range []struct {
				line, out, errs string
				code            int
			}{
				{`kubectl exec web -- sh -c 'echo out; echo err >&2; exit 7'`, "out\n", "command terminated with exit code 7", 7},
				{`kubectl exec web -- true`, "", "", 0},
				{`kubectl exec web -c second -- sh -c 'echo $WHO'`, "second\n", "", 0},
				{`printf 'a\nb' | kubectl exec -i web -- sh -c 'cat; echo .'`, "a\nb.\n", "", 0},
				{`kubectl exec web -- /no/such/program`, "", "/no/such/program", 1},
				{`kubectl exec web -c third -- true`, "", "container third is not valid for pod web", 1},
				{`kubectl logs web -c main --tail=2`, "two\nthree\n", "", 0},
				{`kubectl logs web -c main --limit-bytes=5`, "one\nt", "", 0},
				{`kubectl logs web -c main --since=1h --timestamps --tail=1 | cut -c1-2`, "20\n", "", 0},
				{`kubectl logs web -c main --previous`, "", `previous terminated container "main" in pod "web" not found`, 1},
				{`printf 'hello\n' | kubectl attach -i -q web -c talk | grep -v 'command prompt'`, "got hello\nbye\n", "", 0},
				{`kubectl logs -f web -c talk`, "got hello\nbye\n", "", 0},
				{`kubectl exec web -c talk -- true`, "", "container not found", 1},
				{`seq 100000 >here; kubectl cp -c main here web:/tmp/there && kubectl cp -c main web:/tmp/there back >/dev/null && cmp here back`, "", "", 0},
				{forward, "web\nweb\nweb\n", "", 0},
			} {
				line := strings.ReplaceAll(row.line, " web", " "+pod)
				out, errs, code := d.sh(line)
				out, errs = strings.ReplaceAll(out, pod, "web"), strings.ReplaceAll(errs, pod, "web")
				ok := code == row.code || row.code == 1 && code != 0
				if !ok || out != row.out || !strings.Contains(errs, row.errs) {
					t.Errorf("%s\nexit status %d, stdout %q, stderr %q", line, code, out, errs)
				}
			}
			size(t, d, pod)
		})
	}
}

// size asks for the size of a terminal, and again after it was changed.
func size(t *testing.T, d *desk, pod string) {
	ours, theirs := terminal(t)
	set := func(width, height uint16) {
		if err := unix.IoctlSetWinsize(int(ours.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: width, Row: height}); err != nil {
			t.Fatal(err)
		}
	}
	set(91, 33)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := d.command(ctx, "kubectl", "exec", "-it", pod, "-c", "main", "--", "sh", "-c",
		`test -t 0 && until stty size | grep 33; do sleep 0.1; done; read x; until stty size | grep 44; do sleep 0.1; done; echo "$x" ends; exit 3`)
	cmd.Path = d.dir + "/kubectl"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	lines := bufio.NewReader(ours)
	var seen strings.Builder
	await := func(text string) {
		for !strings.Contains(seen.String(), text) {
			line, err := lines.ReadString('\n')
			seen.WriteString(line)
			if err != nil {
				t.Errorf("%q does not come, but %v after %q", text, err, seen.String())
				return
			}
		}
	}
	await("33 91")
	set(92, 44)
	if _, err := io.WriteString(ours, "typed\n"); err != nil {
		t.Error(err)
	}
	await("44 92")
	await("typed ends")
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 3 {
		t.Errorf("exit status %d after %q", code, seen.String())
	}
}

func TestMuchGoesThrough(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	w := newWorld(t)
	w.run("web", map[string]string{"main": "sleep 1000000"})
	for name, kubectl := range extremes(t) {
		d := w.desk(t, kubectl)
		for _, row := range []struct{ line, out string }{
			{`head -c 20000000 /dev/zero | kubectl exec -i web -- wc -c`, "20000000\n"},
			{`kubectl exec web -- head -c 100000000 /dev/zero | wc -c`, "100000000\n"},
		} {
			start := time.Now()
			if out, errs, code := d.sh(row.line); code != 0 || out != row.out {
				t.Errorf("%s: %s\nexit status %d, stdout %q, stderr %q", name, row.line, code, out, errs)
			}
			t.Logf("%s: %s: %s", name, row.line, time.Since(start))
		}
	}
}

// TestADeadClientLeavesNothingRunning kills kubectl while a command runs that
// does not end, nor read, nor write.
func TestADeadClientLeavesNothingRunning(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	w := newWorld(t)
	w.run("web", map[string]string{"main": "sleep 1000000"})
	seconds := os.Getpid() * 1000
	for name, kubectl := range extremes(t) {
		for _, how := range []string{"", "-i", "-it", "full"} {
			t.Run(name+" "+how, func(t *testing.T) {
				seconds++
				sleep := []string{"sleep", fmt.Sprint(seconds)}
				args := []string{"kubectl", "exec"}
				if strings.HasPrefix(how, "-") {
					args = append(args, how)
				}
				if how == "full" {
					args = append(args, "-i")
				}
				d := w.desk(t, kubectl)
				cmd := d.command(t.Context(), append(append(args, "web", "--"), sleep...)...)
				cmd.Path = d.dir + "/kubectl"
				switch how {
				case "-i":
					in, err := cmd.StdinPipe()
					if err != nil {
						t.Fatal(err)
					}
					defer in.Close()
				case "-it":
					ours, theirs := terminal(t)
					go func() { _, _ = io.Copy(io.Discard, ours) }()
					cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
					cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
				case "full": // more input than fits anywhere on the way
					zero, err := os.Open("/dev/zero")
					if err != nil {
						t.Fatal(err)
					}
					defer zero.Close()
					cmd.Stdin = zero
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				eventually(t, "the command runs", func() bool { return running(sleep...) })
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				_ = cmd.Wait()
				eventually(t, "the command has ended", func() bool { return !running(sleep...) })
			})
		}
	}
}
