package server

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/podrun/crilog"
)

// showNodeLogs shows the node's own logs.
func (s *server) showNodeLogs(w http.ResponseWriter, r *http.Request) {
	root, err := os.OpenRoot(s.NodeLogs)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	defer root.Close()
	http.StripPrefix("/logs/", http.FileServerFS(root.FS())).ServeHTTP(w, r)
}

// showContainerLogs shows what a container has written.
func (s *server) showContainerLogs(w http.ResponseWriter, r *http.Request) {
	options, err := logOptions(r.URL.Query(), time.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	pod := s.pod(r)
	if pod == nil {
		http.Error(w, fmt.Sprintf("pod %q does not exist", r.PathValue("pod")), http.StatusNotFound)
		return
	}
	name := r.PathValue("container")
	if !has(pod, name) {
		http.Error(w, fmt.Sprintf("container %q not found in pod %q", name, pod.Name), http.StatusNotFound)
		return
	}
	log, err := s.findLog(pod, name, options.previous)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.copyLog(w, r, log, options)
}

// copyLog writes a log to its reader.
func (s *server) copyLog(w http.ResponseWriter, r *http.Request, log foundLog, options logQuery) {
	ctx := r.Context()
	if options.follow {
		options.Follow = s.ended(ctx, log)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	out := &flushed{w: w, to: http.NewResponseController(w)}
	if options.follow {
		_ = out.to.Flush() // who follows is to know that it has begun
	}
	err := crilog.Copy(ctx, out, log.path, options.Options)
	if err == nil || ctx.Err() != nil {
		return
	}
	s.Log.Warn("Reading a container's log", "path", log.path, "err", err)
	if !out.begun && !options.follow {
		http.Error(w, "the log of the container cannot be read", http.StatusInternalServerError)
	}
}

// flushed sends what it is given at once. It is given blocks.
type flushed struct {
	w     http.ResponseWriter
	to    *http.ResponseController
	begun bool
}

func (f *flushed) Write(p []byte) (int, error) {
	f.begun = true
	n, err := f.w.Write(p)
	if err == nil {
		err = f.to.Flush()
	}
	return n, err
}

// logQuery is what a request says.
type logQuery struct {
	crilog.Options
	previous, follow bool
}

// logOptions reads the parameters of pods/log, as API servers pass them on.
func logOptions(q url.Values, now time.Time) (logQuery, error) {
	o := logQuery{}
	var err error
	flag := func(name string) bool {
		v, e := strconv.ParseBool(q.Get(name))
		if e != nil && q.Get(name) != "" {
			err = fmt.Errorf("%s: %q is neither true nor false", name, q.Get(name))
		}
		return v
	}
	number := func(name string, least int64) *int64 {
		if q.Get(name) == "" {
			return nil
		}
		n, e := strconv.ParseInt(q.Get(name), 10, 64)
		if e != nil || n < least {
			err = fmt.Errorf("%s: %q is no number that is at least %d", name, q.Get(name), least)
		}
		return &n
	}
	o.follow, o.previous, o.Timestamps = flag("follow"), flag("previous"), flag("timestamps")
	o.Tail, o.Limit = number("tailLines", 0), number("limitBytes", 1)
	if seconds := number("sinceSeconds", 1); seconds != nil {
		o.Since = now.Add(-time.Duration(*seconds) * time.Second)
	}
	if since := q.Get("sinceTime"); since != "" {
		var e error
		if o.Since, e = time.Parse(time.RFC3339, since); e != nil {
			err = fmt.Errorf("sinceTime: %w", e)
		}
	}
	switch stream := q.Get("stream"); stream {
	case "", corev1.LogStreamAll:
	case corev1.LogStreamStdout:
		o.Stream = crilog.Stdout
	case corev1.LogStreamStderr:
		o.Stream = crilog.Stderr
	default:
		err = fmt.Errorf("stream: %q is none of All, Stdout, Stderr", stream)
	}
	return o, err
}
