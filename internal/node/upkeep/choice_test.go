package upkeep

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/disk"
)

const mib = 1 << 20

func storage(amount string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceEphemeralStorage: resource.MustParse(amount)}
}

// pod is one of a container "main", changed.
func pod(name string, change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}}}
	p.Status.Phase = corev1.PodRunning
	for _, c := range change {
		c(p)
	}
	return p
}

func limit(amount string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.Containers[0].Resources.Limits = storage(amount) }
}

func request(amount string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.Containers[0].Resources.Requests = storage(amount) }
}

func emptyDir(limit string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		v := corev1.Volume{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}
		if limit != "" {
			v.EmptyDir.SizeLimit = ptr.To(resource.MustParse(limit))
		}
		p.Spec.Volumes = append(p.Spec.Volumes, v)
	}
}

func beside(amount string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "beside", Resources: corev1.ResourceRequirements{Limits: storage(amount)}})
	}
}

func TestPodsThatTakeMoreThanTheyMayAreTold(t *testing.T) {
	mebibytes := func(n int64) disk.Use { return disk.Use{Bytes: n * mib} }
	takes := func(volume, root, logs int64) PodUse {
		return PodUse{
			Volumes:    map[string]disk.Use{"scratch": mebibytes(volume)},
			Containers: map[string]ContainerUse{"main": {Root: mebibytes(root), Logs: mebibytes(logs)}},
		}
	}
	for _, test := range []struct {
		name string
		pod  *corev1.Pod
		use  PodUse
		want string
	}{
		{"no limits", pod("p", emptyDir("")), takes(100, 100, 100), ""},
		{"all within", pod("p", emptyDir("10Mi"), limit("100Mi")), takes(10, 50, 40), ""},
		{"a volume", pod("p", emptyDir("10Mi")), takes(11, 0, 0), `Usage of EmptyDir volume "scratch" exceeds the limit "10Mi". `},
		{"a limit of zero is none", pod("p", emptyDir("0")), takes(11, 0, 0), ""},
		{"a volume counts for the pod", pod("p", emptyDir(""), limit("100Mi")), takes(60, 30, 20), "Pod ephemeral local storage usage exceeds the total limit of containers 100Mi. "},
		{"what is written, and logs", pod("p", limit("100Mi"), beside("1Gi")), takes(0, 60, 50), `Container main exceeded its local ephemeral storage limit "100Mi". `},
		{"nothing measured", pod("p", emptyDir("10Mi"), limit("1Mi")), PodUse{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := overLimit(test.pod, test.use); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestPodsAreRankedByPriorityAndExcess(t *testing.T) {
	priority := func(n int32) func(*corev1.Pod) { return func(p *corev1.Pod) { p.Spec.Priority = &n } }
	phase := func(is corev1.PodPhase) func(*corev1.Pod) { return func(p *corev1.Pod) { p.Status.Phase = is } }
	used := map[string]int64{
		"idle": 1, "small": 15, "modest": 100, "greedy": 400, "granted": 900, "beyond": 990, "important": 999, "critical": 999, "ended": 999, "evicted": 999, "going": 999,
	}
	all := []*corev1.Pod{
		pod("idle"), pod("small"), pod("modest"), pod("greedy"), pod("granted", request("1000Mi")), pod("beyond", request("800Mi")),
		pod("important", priority(1000)), pod("critical", priority(mostCritical)), pod("ended", phase(corev1.PodFailed)),
		pod("evicted", func(p *corev1.Pod) { p.Status.Reason = reasonEvicted }),
		pod("going", func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{Time: time.Now()} }),
	}
	var got []string
	for _, c := range rank(all, func(p *corev1.Pod) int64 { return used[p.Name] * mib }) {
		got = append(got, c.pod.Name)
	}
	if diff := cmp.Diff([]string{"greedy", "beyond", "modest", "important"}, got); diff != "" {
		t.Errorf("who is ended first (-want +got):\n%s", diff)
	}
}

func TestImagesThatNobodyUsesAreOfferedByAge(t *testing.T) {
	start := time.Now()
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	image := func(id string) podrun.Image { return podrun.Image{ID: id} }
	all := []podrun.Image{image(podrun.HostImage), image("a"), image("b"), image("c"), {ID: "pinned", Pinned: true}}
	used := func(ids ...string) func(podrun.Image) bool {
		return func(i podrun.Image) bool {
			for _, id := range ids {
				if i.ID == id {
					return true
				}
			}
			return false
		}
	}
	names := func(images []podrun.Image) []string {
		var list []string
		for _, i := range images {
			list = append(list, i.ID)
		}
		return list
	}
	times := imageTimes{}
	times.note(all, used("a", "b"), at(0))
	times.note(all, used("b"), at(1))
	got := times.note(append(all, image("new")), used(), at(5))
	if diff := cmp.Diff([]string{"c", "new", "a", "b"}, names(got)); diff != "" {
		t.Errorf("in their order (-want +got):\n%s", diff)
	}
	for id, want := range map[string]bool{"a": true, "b": true, "c": true, "new": false} {
		if got := times.old(id, 2*time.Minute, at(5)); got != want {
			t.Errorf("%s is old enough: %v, want %v", id, got, want)
		}
	}
	if times.old("b", 2*time.Minute, at(2)) {
		t.Error("an image that was in use a minute ago may go")
	}
	if times.note(nil, used(), at(6)); len(times) > 0 {
		t.Errorf("what is gone is remembered: %v", times)
	}
}

func TestImagesOfPodsAreWanted(t *testing.T) {
	p := pod("p", func(p *corev1.Pod) {
		p.Spec.Containers[0].Image = "example/app"
		p.Spec.InitContainers = []corev1.Container{{Image: "registry.test/init:1"}}
		p.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Image: "debug:2"}}}
	})
	ended := pod("ended", func(p *corev1.Pod) {
		p.Spec.Containers[0].Image, p.Status.Phase = "example/old", corev1.PodSucceeded
	})
	got := references([]*corev1.Pod{p, ended})
	want := map[string]bool{"index.docker.io/example/app:latest": true, "registry.test/init:1": true, "index.docker.io/library/debug:2": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
