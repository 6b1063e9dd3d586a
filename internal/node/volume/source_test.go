package volume

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/causeway-access/causeway/test/fakeapi"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/ptr"
)

func TestHostPathIsWhatItsTypeSays(t *testing.T) {
	dir := t.TempDir()
	file, socket := filepath.Join(dir, "file"), filepath.Join(dir, "s")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	fresh := func(name string) string { return filepath.Join(dir, name) }
	for _, test := range []struct {
		path  string
		kind  corev1.HostPathType
		wrong string
	}{
		{dir, corev1.HostPathUnset, ""},
		{file, corev1.HostPathUnset, ""},
		{fresh("unset/made"), corev1.HostPathUnset, ""},
		{dir, corev1.HostPathDirectory, ""},
		{file, corev1.HostPathDirectory, "hostPath type check failed: " + file + " is not a directory"},
		{fresh("none"), corev1.HostPathDirectory, "is not a directory"},
		{fresh("new/dir"), corev1.HostPathDirectoryOrCreate, ""},
		{file, corev1.HostPathDirectoryOrCreate, "is not a directory"},
		{file, corev1.HostPathFile, ""},
		{dir, corev1.HostPathFile, "is not a file"},
		{fresh("none"), corev1.HostPathFile, "is not a file"},
		{fresh("newfile"), corev1.HostPathFileOrCreate, ""},
		{dir, corev1.HostPathFileOrCreate, "is not a file"},
		{fresh("no/such/dir"), corev1.HostPathFileOrCreate, "no such file or directory"},
		{socket, corev1.HostPathSocket, ""},
		{file, corev1.HostPathSocket, "is not a socket file"},
		{"/dev/null", corev1.HostPathCharDev, ""},
		{file, corev1.HostPathCharDev, "is not a character device"},
		{"/dev/null", corev1.HostPathBlockDev, "is not a block device"},
		{"relative", corev1.HostPathUnset, "not an absolute path"},
		{dir, "Pipe", "Pipe is an invalid volume type"},
	} {
		err := checkHostPath(test.path, test.kind)
		if test.wrong == "" && err != nil || test.wrong != "" && (err == nil || !strings.Contains(err.Error(), test.wrong)) {
			t.Errorf("%s %q: %v, want %q", test.kind, test.path, err, test.wrong)
		}
	}
	for _, made := range []string{"unset/made", "new/dir", "newfile"} {
		if _, err := os.Stat(fresh(made)); err != nil {
			t.Error(err)
		}
	}
}

func TestVolumesThatCannotBeHadAreNamed(t *testing.T) {
	for want, source := range map[string]corev1.VolumeSource{
		`persistentvolumeclaim "data"`: {PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}},
		"type nfs":                     {NFS: &corev1.NFSVolumeSource{}},
		"type csi":                     {CSI: &corev1.CSIVolumeSource{}},
		"its type":                     {},
	} {
		if err := unsupported(&source); !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestVolumeInMemoryIsLimited(t *testing.T) {
	limited := func(memory ...string) *corev1.Pod {
		p := &corev1.Pod{}
		for _, m := range memory {
			c := corev1.Container{}
			if m != "" {
				c.Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(m)}
			}
			p.Spec.Containers = append(p.Spec.Containers, c)
		}
		return p
	}
	node := &Manager{cfg: Config{Allocatable: func() corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1000")}
	}}}
	size := func(s string) *corev1.EmptyDirVolumeSource {
		q := resource.MustParse(s)
		return &corev1.EmptyDirVolumeSource{SizeLimit: &q}
	}
	for _, test := range []struct {
		name    string
		manager *Manager
		pod     *corev1.Pod
		source  *corev1.EmptyDirVolumeSource
		want    int64
	}{
		{"its own limit", node, limited(""), size("50"), 50},
		{"the pod's", node, limited("100", "200"), size("500"), 300},
		{"one container without a limit", node, limited("100", ""), size("500"), 500},
		{"the node's", node, limited(""), &corev1.EmptyDirVolumeSource{}, 1000},
		{"nothing known", &Manager{}, limited(""), &corev1.EmptyDirVolumeSource{}, 0},
	} {
		if got := test.manager.memorySize(test.pod, test.source); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

func TestTokensAreReplacedInTime(t *testing.T) {
	for life, want := range map[time.Duration]time.Duration{
		time.Hour:            48 * time.Minute,
		10 * time.Minute:     8 * time.Minute,
		365 * 24 * time.Hour: 24 * time.Hour,
		time.Second:          800 * time.Millisecond,
	} {
		for range 100 {
			if got := replaceAfter(life); got > want || got < want-want/10-1 || got < want-spread {
				t.Errorf("a token of %s is replaced after %s, want about %s", life, got, want)
			}
		}
	}
}

func TestTokenBelongsToTheUserOfAllContainers(t *testing.T) {
	as := func(user *int64) *corev1.SecurityContext { return &corev1.SecurityContext{RunAsUser: user} }
	one, two := ptr.To[int64](1), ptr.To[int64](2)
	for _, test := range []struct {
		name string
		pod  corev1.PodSpec
		want *int64
	}{
		{"nobody says", corev1.PodSpec{Containers: []corev1.Container{{}}}, nil},
		{"the pod says", corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{RunAsUser: one}, Containers: []corev1.Container{{}, {}}}, one},
		{"all say the same", corev1.PodSpec{InitContainers: []corev1.Container{{SecurityContext: as(two)}}, Containers: []corev1.Container{{SecurityContext: as(two)}}}, two},
		{"they differ", corev1.PodSpec{Containers: []corev1.Container{{SecurityContext: as(one)}, {SecurityContext: as(two)}}}, nil},
		{"one does not say", corev1.PodSpec{Containers: []corev1.Container{{SecurityContext: as(one)}, {}}}, nil},
	} {
		if got := commonUser(&corev1.Pod{Spec: test.pod}); ptr.Deref(got, -1) != ptr.Deref(test.want, -1) {
			t.Errorf("%s: %v", test.name, ptr.Deref(got, -1))
		}
	}
}

func TestOldNewsOfAnObjectChangeNothing(t *testing.T) {
	k := key{configMaps, "ns", "c"}
	told := 0
	o := newObjects(fakeapi.NewClientset(), nil, func(types.UID) { told++ })
	if _, err := o.recall(t.Context(), k); err == nil {
		t.Error("what was never read is known")
	}
	o.hold("u", sets.New(k))
	for _, news := range []struct {
		version string
		told    int
	}{{"10", 1}, {"9", 1}, {"10", 1}, {"100", 2}, {"99", 2}} {
		o.note(k, object{found: true, version: news.version})
		if told != news.told {
			t.Errorf("version %s: told %d times, want %d", news.version, told, news.told)
		}
	}
	if now, err := o.recall(t.Context(), k); err != nil || now.version != "100" {
		t.Errorf("known: %v, %v", now, err)
	}
	o.hold("u", nil)
	if len(o.held) != 0 {
		t.Errorf("still held: %v", o.held)
	}
}
