package walkthrough

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts tells the stories in testdata/script, each in a home of its own.
func TestScripts(t *testing.T) {
	t.Parallel()
	runScripts(t, "testdata/script", nil)
}

// runScripts runs the scripts of a directory, each in a home of its own, with
// further variables. Besides the commands of testscript they have:
//
//	serve NAME REGEXP COMMAND...  run a server; wait until it writes what
//	                              matches; $NAME is the first group
//	terminate NAME                end it by SIGTERM; it must end with status 0
//	crash NAME                    end it by SIGKILL
//	set NAME                      $NAME is what the last command wrote
//	eventually COMMAND...         repeat a command until it succeeds
//	types 'COMMAND'               run it in a shell that knows the variables of
//	                              earlier ones
//	cannot 'COMMAND' 'REASON'     say why a command is not typed
//	shows FILE                    the last command printed what the file has
//
// They lack its stop and skip: a story that breaks off in the middle would pass.
func runScripts(t *testing.T, dir string, variables map[string]string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in %s: %v", dir, err)
	}
	runFiles(t, variables, files...)
}

// runFiles runs scripts as runScripts does.
func runFiles(t *testing.T, variables map[string]string, files ...string) {
	t.Helper()
	for _, file := range files {
		mustBeWhole(t, file)
	}
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Files:               files,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Values[serversKey{}] = map[string]*server{}
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("EXAMPLES", examples)
			for name, value := range variables {
				env.Setenv(name, value)
			}
			return os.Mkdir(filepath.Join(env.WorkDir, "home"), 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":      serve,
			"terminate":  ends((*server).stop),
			"crash":      ends((*server).kill),
			"set":        set,
			"eventually": eventually,
			"types":      typeIn,
			"cannot":     cannot,
			"shows":      shows,
		},
	})
}

// breaksOff matches the commands of testscript that end a script with success.
var breaksOff = regexp.MustCompile(`(?m)^\s*(\[[^\]]*\]\s*)?(stop|skip)\b.*`)

func mustBeWhole(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	script, _, _ := strings.Cut(string(text), "\n-- ")
	if found := breaksOff.FindString(script); found != "" {
		t.Fatalf("%s: %q would end it with success", file, found)
	}
}

// serversKey finds a script's servers among its values.
type serversKey struct{}

func servers(ts *testscript.TestScript) map[string]*server {
	return ts.Value(serversKey{}).(map[string]*server)
}

func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: serve NAME REGEXP COMMAND...")
	}
	name, ready := args[0], regexp.MustCompile("(?m)"+args[1])
	cmd, err := command(ts, args[2:])
	ts.Check(err)
	s, match, err := startServer(cmd, ready)
	ts.Check(err)
	servers(ts)[name] = s
	ts.Defer(func() {
		if !s.over() {
			ts.Check(s.kill())
		}
		ts.Logf("%v wrote:\n%s", cmd.Args, s.output)
	})
	ts.Setenv(name, strings.Join(match[1:min(2, len(match))], ""))
}

// command is a program with the environment and in the directory of a script.
func command(ts *testscript.TestScript, args []string) (*exec.Cmd, error) {
	path, err := lookPath(ts, args[0])
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "KUBECONFIG", "TMPDIR"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	return cmd, nil
}

// lookPath is [exec.LookPath] in the script's PATH.
func lookPath(ts *testscript.TestScript, name string) (string, error) {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		path, err := exec.LookPath(filepath.Join(dir, name))
		if err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no program %q in the PATH of the script", name)
}

func ends(end func(*server) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 1 || servers(ts)[args[0]] == nil {
			ts.Fatalf("want the name of one server")
		}
		ts.Check(end(servers(ts)[args[0]]))
	}
}

func set(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: set NAME")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// pause is between two runs of a command that is repeated.
const pause = 50 * time.Millisecond

func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: eventually COMMAND...")
	}
	deadline := time.Now().Add(patience)
	for {
		err := ts.Exec(args[0], args[1:]...)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("still failing after %v: %v", patience, err)
		}
		time.Sleep(pause)
	}
}

// kubectls are the kubectl programs of this machine by their versions, each
// as a directory to put first in PATH: those in PATH, and versions of them
// that stand beside the files that PATH leads to. The one inside causeway is
// among them always.
func kubectls(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		first, err := filepath.EvalSymlinks(filepath.Join(dir, "kubectl"))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) { // as shells look
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		beside, err := filepath.Glob(filepath.Join(filepath.Dir(first), "kubectl.*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range append(beside, first) {
			var said struct{ ClientVersion struct{ GitVersion string } }
			out, err := exec.Command(path, "version", "--client", "--output", "json").Output()
			if err != nil || json.Unmarshal(out, &said) != nil {
				continue // not a program for this machine
			}
			version := said.ClientVersion.GitVersion
			if _, known := found[version]; !known {
				found[version] = linkTo(t, path)
			}
		}
	}
	return found
}

// linkTo makes a directory with a kubectl that is path.
func linkTo(t *testing.T, path string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Symlink(path, filepath.Join(dir, "kubectl")); err != nil {
		t.Fatal(err)
	}
	return dir
}
