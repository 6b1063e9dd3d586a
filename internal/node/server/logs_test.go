package server

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/crilog"
)

// known is what somebody else has told of the node's pods.
type known struct {
	pods       []*corev1.Pod
	containers map[string]podrun.Container
	sandboxes  map[string]string
}

func (k known) Pods() []*corev1.Pod { return k.pods }

func (k known) Container(_, pod string, _ types.UID, container string) (podrun.Container, error) {
	if c, ok := k.containers[pod+"/"+container]; ok {
		return c, nil
	}
	return podrun.Container{}, podrun.ErrNotFound
}

func (k known) Sandbox(_, pod string, _ types.UID) (string, error) {
	if id, ok := k.sandboxes[pod]; ok {
		return id, nil
	}
	return "", podrun.ErrNotFound
}

func newPod(name string, containers ...string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID("uid-" + name)}}
	for _, c := range containers {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: c})
	}
	return p
}

// attempt is a container of an attempt, in a state.
func attempt(n uint32, state podrun.State) podrun.Container {
	c := podrun.Container{ID: "id", Config: podrun.ContainerConfig{Attempt: n}, State: state}
	if state != podrun.Created {
		c.Started = time.Now()
	}
	return c
}

func get(t *testing.T, config Config, path string) (int, string) {
	t.Helper()
	config.Authenticator, config.Authorizer = anybody, authorizerfactory.NewAlwaysAllowAuthorizer()
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("X-Test-User", "adam")
	w := httptest.NewRecorder()
	New(config).ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestLogsOfContainersAreFound(t *testing.T) {
	dir := t.TempDir()
	for path, text := range map[string]string{
		"again/c/0.log": "first", "again/c/1.log": "second", "again/c/2.log": "third",
		"ended/c/0.log": "the only", "made/c/0.log": "before",
	} {
		path = filepath.Join(dir, "default_"+filepath.Dir(filepath.Dir(path))+"_uid-"+path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		w, err := crilog.Create(path, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		out := w.Stream(crilog.Stdout)
		if _, err := out.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		out.Close()
		w.Close()
	}
	pulling := newPod("pulling", "c", "bad", "new", "gone")
	for name, reason := range map[string]string{"c": "ImagePullBackOff", "bad": "ErrImagePull", "new": "ContainerCreating"} {
		pulling.Status.ContainerStatuses = append(pulling.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: name, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}},
		})
	}
	config := Config{LogDir: dir, Pods: known{
		pods: []*corev1.Pod{newPod("again", "c"), newPod("ended", "c"), newPod("made", "c"), pulling},
		containers: map[string]podrun.Container{
			"again/c": attempt(2, podrun.Exited), "made/c": attempt(1, podrun.Created), "pulling/new": attempt(0, podrun.Created),
		},
	}}
	for _, test := range []struct {
		path string
		code int
		want string
	}{
		{"again/c", 200, "third"},
		{"again/c?previous=true", 200, "second"},
		{"again/c?follow=true", 200, "third"},
		{"again/c?limitBytes=2", 200, "th"},
		{"ended/c", 200, "the only"},
		{"made/c", 200, "before"},
		{"ended/c?previous=true", 400, "previous terminated container \"c\" in pod \"ended\" not found\n"},
		{"pulling/c", 400, "container \"c\" in pod \"pulling\" is waiting to start: trying and failing to pull image\n"},
		{"pulling/bad", 400, "container \"bad\" in pod \"pulling\" is waiting to start: image can't be pulled\n"},
		{"pulling/new", 400, "container \"new\" in pod \"pulling\" is waiting to start: ContainerCreating\n"},
		{"pulling/gone", 400, "container \"gone\" in pod \"pulling\" is not available\n"},
		{"again/d", 404, "container \"d\" not found in pod \"again\"\n"},
		{"nobody/c", 404, "pod \"nobody\" does not exist\n"},
		{"again/c?tailLines=-1", 400, "tailLines: \"-1\" is no number that is at least 0\n"},
		{"again/c?stream=both", 400, "stream: \"both\" is none of All, Stdout, Stderr\n"},
	} {
		code, got := get(t, config, "/containerLogs/default/"+test.path)
		if code != test.code || got != test.want {
			t.Errorf("%s: %d %q, want %d %q", test.path, code, got, test.code, test.want)
		}
	}
}

func TestLogOptionsAreThoseOfTheAPI(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for query, want := range map[string]logQuery{
		"":                                    {},
		"follow=true&previous=false":          {follow: true},
		"previous=true":                       {previous: true},
		"tailLines=0&limitBytes=7":            {Options: crilog.Options{Tail: new(int64(0)), Limit: new(int64(7))}},
		"sinceSeconds=60":                     {Options: crilog.Options{Since: now.Add(-time.Minute)}},
		"sinceTime=2026-01-02T00:00:00Z":      {Options: crilog.Options{Since: now.Truncate(24 * time.Hour)}},
		"stream=Stderr&timestamps=true":       {Options: crilog.Options{Stream: "stderr", Timestamps: true}},
		"stream=All&insecureSkipTLS=anything": {},
	} {
		r := httptest.NewRequest(http.MethodGet, "/?"+query, nil)
		got, err := logOptions(r.URL.Query(), now)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(logQuery{})); diff != "" || err != nil {
			t.Errorf("%q: %v (-want +got):\n%s", query, err, diff)
		}
	}
}

func TestLogsOfTheNodeStayInTheirDirectory(t *testing.T) {
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	for name, text := range map[string]string{filepath.Join(dir, "syslog"): "hello", outside: "secret"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	config := Config{NodeLogs: dir}
	if code, text := get(t, config, "/logs/syslog"); code != 200 || text != "hello" {
		t.Errorf("syslog: %d %q", code, text)
	}
	if code, text := get(t, config, "/logs/link"); code == 200 {
		t.Errorf("a link that leads out: %d %q", code, text)
	}
	if code, text := get(t, config, "/logs/"); code != 200 {
		t.Errorf("the list: %d %q", code, text)
	}
}
