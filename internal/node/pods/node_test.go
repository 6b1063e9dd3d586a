//go:build linux && host

package pods_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/node/pods"
	"github.com/causeway-access/causeway/internal/node/podspec"
	"github.com/causeway-access/causeway/internal/podrun/ns"
	"github.com/causeway-access/causeway/internal/podrun/ns/cgroup"
	"github.com/causeway-access/causeway/internal/svcproxy/userspace"
	"github.com/causeway-access/causeway/test/inside"
	"github.com/causeway-access/causeway/test/testcluster"
)

const nodeName = "node-1"

// patience is how long a story waits for what does not come. It is long: events
// are written one after the other, and machines are slow that do much else.
const patience = 4 * time.Minute

// node is a machine of a test's own, with a cluster and a manager of pods.
type node struct {
	*testcluster.Cluster
	dir     string
	config  ns.Config
	runtime *ns.Runtime
	manager *pods.Manager
	stop    func()
}

// directories are volumes that are a directory each.
type directories string

func (d directories) Mount(_ context.Context, pod *corev1.Pod) (map[string]string, error) {
	paths := map[string]string{}
	for _, v := range pod.Spec.Volumes {
		paths[v.Name] = filepath.Join(string(d), string(pod.UID), v.Name)
		if err := os.MkdirAll(paths[v.Name], 0o755); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

func (d directories) Update(*corev1.Pod) {}

func (d directories) Unmount(uid types.UID) error {
	return os.RemoveAll(filepath.Join(string(d), string(uid)))
}

func (d directories) Keep(keep func(types.UID) bool) error {
	entries, err := os.ReadDir(string(d))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if !keep(types.UID(e.Name())) {
			err = errors.Join(err, d.Unmount(types.UID(e.Name())))
		}
	}
	return nil
}

// newNode is called in namespaces of the test's own.
func newNode(t *testing.T, c *testcluster.Cluster) *node {
	t.Helper()
	dir := t.TempDir()
	n := &node{Cluster: c, dir: dir, config: ns.Config{
		Root: filepath.Join(dir, "root"), PodCIDR: netip.MustParsePrefix("10.244.7.0/24"),
		CgroupParent: fmt.Sprintf("causeway-test-pods-%d", os.Getpid()),
	}}
	if err := os.Mkdir(n.config.Root, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := c.Client.CoreV1().Nodes().Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n.start(t)
	t.Cleanup(func() { n.end(t) })
	return n
}

// end leaves nothing on the machine, however the stories ended.
func (n *node) end(t *testing.T) {
	n.stop()
	runtime, err := ns.New(n.config)
	if err != nil {
		t.Fatal(err)
	}
	list, err := runtime.List(context.Background())
	if err != nil {
		t.Error(err)
	}
	for _, s := range list {
		if err := runtime.RemoveSandbox(context.Background(), s.ID); err != nil {
			t.Error(err)
		}
	}
	groups := cgroup.Find(cgroup.Mountpoint, n.config.CgroupParent)
	if err := errors.Join(runtime.Close(), groups.Remove("")); err != nil {
		t.Error(err)
	}
}

// start begins an agent.
func (n *node) start(t *testing.T) {
	t.Helper()
	var err error
	if n.runtime, err = ns.New(n.config); err != nil {
		t.Fatal(err)
	}
	shared := informers.NewSharedInformerFactory(n.Client, 0)
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ports, err := userspace.New(userspace.Config{Informers: shared, Ranges: []netip.Prefix{netip.MustParsePrefix("10.96.0.0/16")}, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	n.manager, err = pods.New(pods.Config{
		Client: n.Client, Runtime: n.runtime, Volumes: directories(filepath.Join(n.dir, "volumes")),
		Services: shared.Core().V1().Services(), HostPorts: ports,
		Node: podspec.Node{Name: nodeName, IPs: []netip.Addr{netip.MustParseAddr(inside.Address)}},
		Dir:  filepath.Join(n.dir, "state"), LogDir: filepath.Join(n.dir, "logs"),
		Restart: pods.BackOff{Initial: 100 * time.Millisecond, Max: 2 * time.Second},
		Pull:    pods.BackOff{Initial: 100 * time.Millisecond, Max: time.Second},
		Retry:   pods.BackOff{Initial: 50 * time.Millisecond, Max: time.Second},
		Log:     log,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done, shut := make(chan error, 1), make(chan error, 1)
	shared.StartWithContext(ctx)
	go func() { shut <- ports.Run(ctx) }()
	go func() { done <- n.manager.Run(ctx) }()
	eventually(t, "the node's ports can be opened", ports.HasSynced)
	n.stop = func() {
		cancel()
		shared.Shutdown()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the manager ended: %v", err)
		}
		if err := <-shut; err != nil {
			t.Errorf("the node's ports: %v", err)
		}
		if err := n.runtime.Close(); err != nil {
			t.Error(err)
		}
	}
}

// shell is a pod of one container that runs a script.
func shell(name, script string, more ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: corev1.PodSpec{
			NodeName: nodeName, AutomountServiceAccountToken: ptr.To(false), TerminationGracePeriodSeconds: ptr.To[int64](20),
			Containers: []corev1.Container{{Name: "main", Image: "host", Command: []string{"sh", "-c", script}}},
		},
	}
	for _, f := range more {
		f(p)
	}
	return p
}

func policy(policy corev1.RestartPolicy) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.RestartPolicy = policy }
}

func (n *node) create(t *testing.T, pod *corev1.Pod) *corev1.Pod {
	t.Helper()
	created, err := n.Client.CoreV1().Pods(pod.Namespace).Create(t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // for stories that end badly
		now := metav1.DeleteOptions{GracePeriodSeconds: new(int64), Preconditions: metav1.NewUIDPreconditions(string(created.UID))}
		_ = n.Client.CoreV1().Pods(pod.Namespace).Delete(context.Background(), pod.Name, now)
	})
	return created
}

// until waits until the pod in the API is so, however slow the machine is.
func (n *node) until(t *testing.T, pod *corev1.Pod, what string, is func(*corev1.Pod) bool) *corev1.Pod {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		now, err := n.Client.CoreV1().Pods(pod.Namespace).Get(t.Context(), pod.Name, metav1.GetOptions{})
		if err == nil && is(now) {
			return now
		}
		if time.Now().After(end) {
			t.Fatalf("it never came that %s: %v\n%+v\n%s", what, err, now.Status, strings.Join(n.events(t, pod), "\n"))
		}
	}
}

func (n *node) phase(t *testing.T, pod *corev1.Pod, phase corev1.PodPhase) *corev1.Pod {
	t.Helper()
	return n.until(t, pod, "it is "+string(phase), func(p *corev1.Pod) bool { return p.Status.Phase == phase })
}

func (n *node) running(t *testing.T, pod *corev1.Pod) *corev1.Pod {
	t.Helper()
	return n.until(t, pod, "it is ready", isReady)
}

func isReady(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// gone waits until the API has the pod no more.
func (n *node) gone(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		now, err := n.Client.CoreV1().Pods(pod.Namespace).Get(t.Context(), pod.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) || err == nil && now.UID != pod.UID {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the pod %s never went: %v\n%+v", pod.Name, err, now)
		}
	}
}

func (n *node) delete(t *testing.T, pod *corev1.Pod, grace int64) {
	t.Helper()
	err := n.Client.CoreV1().Pods(pod.Namespace).Delete(t.Context(), pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &grace})
	if err != nil {
		t.Fatal(err)
	}
}

// events are a pod's: reason and message.
func (n *node) events(t *testing.T, pod *corev1.Pod) []string {
	t.Helper()
	list, err := n.Client.CoreV1().Events(pod.Namespace).List(t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=" + pod.Name})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, e := range list.Items {
		texts = append(texts, e.Reason+": "+e.Message)
	}
	return texts
}

// event waits for an event that begins so.
func (n *node) event(t *testing.T, pod *corev1.Pod, beginning string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		list := n.events(t, pod)
		for _, e := range list {
			if strings.HasPrefix(e, beginning) {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatalf("there is no event %q among\n%s", beginning, strings.Join(list, "\n"))
		}
	}
}

// log is what a container has written, without times.
func (n *node) log(t *testing.T, pod *corev1.Pod, container string, attempt int) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(n.dir, "logs", fmt.Sprintf("%s_%s_%s", pod.Namespace, pod.Name, pod.UID), container, fmt.Sprint(attempt)+".log"))
	if err != nil {
		t.Error(err)
	}
	var text strings.Builder
	for line := range strings.Lines(string(data)) {
		fields := strings.SplitN(line, " ", 4)
		text.WriteString(fields[len(fields)-1])
	}
	return text.String()
}

// logs waits until a container has written this and no more.
func (n *node) logs(t *testing.T, pod *corev1.Pod, container, want string) {
	t.Helper()
	name := filepath.Join(n.dir, "logs", fmt.Sprintf("%s_%s_%s", pod.Namespace, pod.Name, pod.UID), container, "0.log")
	eventually(t, container+" of "+pod.Name+" has written "+want, func() bool {
		_, err := os.Stat(name)
		return err == nil && n.log(t, pod, container, 0) == want
	})
}

// last tells of a pod as it was when it was deleted.
func (n *node) last(t *testing.T, pod *corev1.Pod) <-chan *corev1.Pod {
	t.Helper()
	w, err := n.Client.CoreV1().Pods(pod.Namespace).Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=" + pod.Name})
	if err != nil {
		t.Fatal(err)
	}
	last := make(chan *corev1.Pod, 1)
	go func() {
		defer w.Stop()
		now := &corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{}}}}
		for e := range w.ResultChan() {
			if p, ok := e.Object.(*corev1.Pod); ok {
				now = p
			}
			if e.Type == watch.Deleted {
				break
			}
		}
		last <- now
	}()
	return last
}

func (n *node) configMap(t *testing.T, name string, data map[string]string) {
	t.Helper()
	m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: data}
	if _, err := n.Client.CoreV1().ConfigMaps("default").Create(t.Context(), m, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

var updated = metav1.UpdateOptions{}

// removed waits until the runtime and the disk have nothing of a pod.
func (n *node) removed(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	eventually(t, "nothing of "+pod.Name+" is left", func() bool {
		list, err := n.runtime.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			if s.Config.UID == string(pod.UID) {
				return false
			}
		}
		left, err := filepath.Glob(filepath.Join(n.dir, "*", "*"+string(pod.UID)))
		return err == nil && len(left) == 0
	})
}

// touch makes a file in a pod's volume, and read reads one.
func (n *node) touch(t *testing.T, pod *corev1.Pod, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(n.dir, "volumes", string(pod.UID), "v", name), nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (n *node) untouch(t *testing.T, pod *corev1.Pod, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(n.dir, "volumes", string(pod.UID), "v", name)); err != nil {
		t.Fatal(err)
	}
}

func (n *node) readable(pod *corev1.Pod, name string) bool {
	_, err := os.Stat(filepath.Join(n.dir, "volumes", string(pod.UID), "v", name))
	return err == nil
}

func (n *node) read(t *testing.T, pod *corev1.Pod, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(n.dir, "volumes", string(pod.UID), "v", name))
	if err != nil {
		t.Error(err)
	}
	return string(data)
}

// look lists what pods are made of: interfaces, mounts, control groups and files.
func (n *node) look(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	links, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		fmt.Fprintln(&b, "interface", l.Name)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	b.Write(mounts)
	for _, dir := range []string{"volumes", "state", "logs", "root/pods"} {
		entries, _ := os.ReadDir(filepath.Join(n.dir, dir))
		for _, e := range entries {
			fmt.Fprintln(&b, "file", dir, e.Name())
		}
	}
	for _, controller := range []string{"cpu", "memory", "pids", "."} {
		groups, _ := filepath.Glob(filepath.Join("/sys/fs/cgroup", controller, n.config.CgroupParent, "*", ""))
		for _, g := range groups {
			if info, err := os.Stat(g); err == nil && info.IsDir() {
				fmt.Fprintln(&b, "control group", g)
			}
		}
	}
	return b.String()
}
