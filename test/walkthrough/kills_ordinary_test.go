//go:build host && root

package walkthrough

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/test/inside"
	"github.com/causeway-access/causeway/test/traces"
)

// TestNothingIsLeftOfAnOrdinaryUsersPods has the processes of a user's cluster
// killed, one of them and all, while a pod starts and while it ends: `up`, the
// node's agent, and the holder of its namespaces, with which everything in them
// ends.
func TestNothingIsLeftOfAnOrdinaryUsersPods(t *testing.T) {
	if !inside.Alone(t) {
		return
	}
	h := newHome(t)
	begin, down := ordinaryCluster(t, h)
	k := &killing{home: h, up: begin(), place: traces.Place{Dir: h.data("node"), Groups: "none"}, victim: &victim{}}
	t.Cleanup(func() {
		if err := k.up.stop(); err != nil {
			t.Error(err)
		}
		down()
	})
	k.objects(t)
	k.ready(t)
	var err error
	if k.before, err = k.look(); err != nil {
		t.Fatal(err)
	}
	seed := seedOf(t)
	chance := rand.New(rand.NewPCG(seed, 0))
	all := []string{"up", agentName, holderName}
	for _, killed := range []struct{ starting, ending []string }{{[]string{agentName}, all}, {all, []string{agentName}}} {
		k.crash(t, killed.starting, chance)
		k.up = begin()
		pod := k.runs(t)
		k.crash(t, killed.ending, chance, pod)
		k.up = begin()
		k.goes(t, pod)
		k.same(t)
		if t.Failed() {
			return
		}
	}
}

// Names of an ordinary user's processes beside `up`, as they are called.
const (
	agentName  = "causeway-node"
	holderName = "causeway-namespaces"
)

// crash kills processes a moment after a pod has been made, or else those that
// are given have been deleted.
func (k *killing) crash(t *testing.T, names []string, chance *rand.Rand, ending ...*corev1.Pod) {
	t.Helper()
	pods := k.up.client.CoreV1().Pods("default")
	var err error
	if len(ending) == 0 {
		pod := everything("ordinary")
		pod.Spec.SecurityContext = nil // there is no user but one
		for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
			for i := range list {
				list[i].Image = "host"
			}
		}
		_, err = pods.Create(t.Context(), pod, metav1.CreateOptions{})
	}
	for _, pod := range ending {
		err = pods.Delete(t.Context(), pod.Name, metav1.DeleteOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Duration(chance.Int64N(int64(3 * time.Second))))
	for _, name := range names {
		if name == "up" {
			err = k.up.kill()
		} else {
			killNamed(name)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	// Without its agent `up` ends, too.
	select {
	case <-k.up.ended:
	case <-time.After(patience):
		t.Fatalf("up goes on without %q:\n%s", names, k.up.output)
	}
}

// killNamed kills all of a name that there are: it is the test's own machine.
func killNamed(name string) {
	found, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range found {
		line, err := os.ReadFile(file)
		args := strings.Split(string(line), "\x00")
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && args[0] == name && pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
	}
}

// runs waits until the pod does, and returns it. What the API says of one that
// has ended with its namespaces is old until the next agent has looked.
func (k *killing) runs(t *testing.T) *corev1.Pod {
	t.Helper()
	var pod *corev1.Pod
	until(t, "the pod runs", func() (bool, string) {
		now, err := k.up.client.CoreV1().Pods("default").Get(t.Context(), "ordinary", metav1.GetOptions{})
		found, seen := k.look()
		pod = now
		return err == nil && podReady(now) && slices.ContainsFunc(found.Processes, func(p string) bool {
			return strings.HasPrefix(p, "causeway-pod ")
		}), fmt.Sprintf("%v, %v, %s, %q", err, seen, now.Status.String(), found.Processes)
	})
	return pod
}

// goes waits until the pod is gone.
func (k *killing) goes(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	until(t, "the pod is gone", func() (bool, string) {
		now, err := k.up.client.CoreV1().Pods("default").Get(t.Context(), pod.Name, metav1.GetOptions{})
		return apierrors.IsNotFound(err), now.Status.String()
	})
}
