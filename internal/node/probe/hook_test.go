package probe_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/causeway-access/causeway/internal/node/probe"
)

func TestHooks(t *testing.T) {
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusInternalServerError) // an answer nevertheless
	}))
	defer server.Close()
	exits := func(code int, err error) func(context.Context, []string) (int, []byte, error) {
		return func(context.Context, []string) (int, []byte, error) { return code, []byte("said so"), err }
	}
	for _, test := range []struct {
		name string
		exec func(context.Context, []string) (int, []byte, error)
		hook corev1.LifecycleHandler
		want string
	}{
		{"command", exits(0, nil), corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"x"}}}, ""},
		{"command that fails", exits(3, nil), corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"x", "y"}}}, `command "x y" exited with 3: said so`},
		{"command that cannot be run", exits(0, errors.New("gone")), corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"x"}}}, `running "x": gone`},
		{"request", nil, corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromString("web")}}, ""},
		{"request refused", nil, corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromInt(closedPort(t))}}, "connection refused"},
		{"connection", nil, corev1.LifecycleHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromString("web")}}, "tcpSocket is not supported"},
		{"nothing", nil, corev1.LifecycleHandler{}, "no handler"},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := container(portOf(t, server.Listener.Addr()))
			target.Exec = test.exec
			err := probe.Hook(t.Context(), target, test.hook)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	if calls.Load() != 1 {
		t.Errorf("the server was called %d times", calls.Load())
	}
}

func TestASleepingHookWaitsNoLongerThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleep := corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 5}}
		begun := time.Now()
		if err := probe.Hook(t.Context(), container(1), sleep); err != nil || time.Since(begun) != 5*time.Second {
			t.Errorf("slept %s, %v", time.Since(begun), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun = time.Now()
		if err := probe.Hook(ctx, container(1), sleep); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("slept %s, %v", time.Since(begun), err)
		}
	})
}
