package server

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/causeway-access/causeway/internal/podrun"
)

// run runs a command to its end and returns what it has written.
func (s *server) run(w http.ResponseWriter, r *http.Request) {
	c, ok := s.running(w, r)
	if !ok {
		return
	}
	args := strings.Fields(r.FormValue("cmd"))
	if len(args) == 0 {
		http.Error(w, "you must specify a command", http.StatusBadRequest)
		return
	}
	out := &output{}
	code, err := s.Runtime.Exec(r.Context(), c.ID, podrun.Command{Args: args}, podrun.Stdio{Stdout: out, Stderr: out})
	if err == nil && code != 0 {
		err = fmt.Errorf("command terminated with exit code %d", code)
	}
	if err != nil {
		http.Error(w, fmt.Sprintf("%s\n%v", out.text, err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(out.text)
}

// longestOutput bounds what is kept of a command's output for one answer.
const longestOutput = 16 << 20

var errTooMuch = errors.New("the command has written more than fits into one answer")

// output collects both streams of a command.
type output struct {
	mu   sync.Mutex
	text []byte
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.text)+len(p) > longestOutput {
		return 0, errTooMuch
	}
	o.text = append(o.text, p...)
	return len(p), nil
}
