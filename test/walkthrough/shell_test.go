package walkthrough

import (
	"os"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// shellVariables are those that the documents set in one command and use in
// another.
const shellVariables = "ADDRESS APISERVER SECRET_NAME TOKEN"

// typeIn has somebody type a command into his shell: it is taken to the letter,
// with its pipes and variables, and what variables it sets later ones know.
func typeIn(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: types 'COMMAND'")
	}
	kept := ts.MkAbs(".variables")
	if _, err := os.Stat(kept); os.IsNotExist(err) {
		ts.Check(os.WriteFile(kept, nil, 0o600))
	}
	err := ts.Exec("bash", "-c", strings.Join([]string{
		". " + kept,
		args[0],
		"status=$?",
		"declare -p " + shellVariables + " 2>/dev/null >" + kept,
		"exit $status",
	}, "\n"))
	if err == nil && neg {
		ts.Fatalf("it went well, which it should not")
	}
	if err != nil && !neg {
		ts.Fatalf("%v", err)
	}
}

// cannot says which command of a document is not typed, and why.
func cannot(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cannot 'COMMAND' 'REASON'")
	}
	ts.Logf("%s: %s", args[0], args[1])
}

// shows compares what the last command printed with a file, but for the end of
// the last line, which the API leaves open.
func shows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: shows FILE")
	}
	want, got := strings.TrimSpace(ts.ReadFile(args[0])), strings.TrimSpace(ts.ReadFile("stdout"))
	if diff := cmp.Diff(want, got); diff != "" {
		ts.Fatalf("something else is shown (-want +got):\n%s", diff)
	}
}
