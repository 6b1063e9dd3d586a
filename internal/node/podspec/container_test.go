package podspec

import (
	"encoding/base64"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/podrun"
)

func TestContainer(t *testing.T) {
	pod := testPod()
	pod.Spec.SecurityContext = &corev1.PodSecurityContext{
		RunAsUser: ptr.To[int64](1000), RunAsGroup: ptr.To[int64](1001), FSGroup: ptr.To[int64](2000), SupplementalGroups: []int64{3000},
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined},
	}
	c := &pod.Spec.Containers[0]
	*c = corev1.Container{
		Name: "main", Image: "host", Command: []string{"echo", "$(A)"}, Args: []string{"$(NONE)"}, WorkingDir: "/tmp",
		Env: []corev1.EnvVar{{Name: "A", Value: "1"}}, Stdin: true, StdinOnce: true, TTY: true,
		Resources: corev1.ResourceRequirements{Limits: amounts("250m", "1Mi")},
		Lifecycle: &corev1.Lifecycle{StopSignal: ptr.To(corev1.SIGUSR1)},
		SecurityContext: &corev1.SecurityContext{
			RunAsUser: ptr.To[int64](7), AllowPrivilegeEscalation: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true),
			Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"CAP_NET_ADMIN"}, Drop: []corev1.Capability{"all"}},
		},
	}
	env, err := MakeEnvironment(pod, c, surroundings)
	if err != nil {
		t.Fatal(err)
	}
	mounts := []podrun.Mount{{Source: "/a", Target: "/b"}}
	got, err := Container(pod, c, Resolved{Attempt: 3, Hostname: "web", Environment: env, Mounts: mounts, LogPath: "/log"})
	if err != nil {
		t.Fatal(err)
	}
	want := podrun.ContainerConfig{
		Name: "main", Attempt: 3, Image: "host", Command: []string{"echo", "1"}, Args: []string{"$(NONE)"}, Dir: "/tmp",
		Env: []string{"HOSTNAME=web", "A=1"}, Mounts: mounts, LogPath: "/log", Stdin: true, StdinOnce: true, TTY: true, StopSignal: syscall.SIGUSR1,
		Resources: podrun.Resources{MilliCPU: 250, CPUShares: 256, Memory: 1 << 20},
		Security: podrun.Security{
			User: ptr.To[int64](7), Group: ptr.To[int64](1001), Groups: []int64{3000, 2000}, AddCapabilities: []string{"NET_ADMIN"},
			DropCapabilities: []string{"ALL"}, ReadOnlyRoot: true, NoNewPrivileges: true, UnconfinedSeccomp: true,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhoMustNotBeRootIsNot(t *testing.T) {
	const where = ` (pod: "web-0_shop(u1)", container: main)`
	for _, test := range []struct {
		name           string
		pod, container *bool
		user           *int64
		image, want    string
	}{
		{name: "nobody asks", image: "root"},
		{name: "no user", pod: ptr.To(true), want: "container has runAsNonRoot and image will run as root" + where},
		{name: "root", pod: ptr.To(true), image: "0:0", want: "container has runAsNonRoot and image will run as root" + where},
		{name: "a name", container: ptr.To(true), image: "www", want: "container has runAsNonRoot and image has non-numeric user (www), cannot verify user is non-root" + where},
		{name: "a number", container: ptr.To(true), image: "33:33"},
		{name: "the pod says root", container: ptr.To(true), user: ptr.To[int64](0), want: "container's runAsUser breaks non-root policy" + where},
		{name: "the pod says another", container: ptr.To(true), user: ptr.To[int64](5), image: "root"},
		{name: "the container need not", pod: ptr.To(true), container: ptr.To(false)},
	} {
		pod := testPod()
		pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: test.pod, RunAsUser: test.user}
		c := &pod.Spec.Containers[0]
		c.SecurityContext = &corev1.SecurityContext{RunAsNonRoot: test.container}
		_, err := Container(pod, c, Resolved{Image: podrun.Image{User: test.image}, Environment: &Environment{}})
		if got := message(err); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestMounts(t *testing.T) {
	pod := testPod()
	pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "NAME", Value: "x"}, {Name: "UP", Value: ".."}}
	env, err := MakeEnvironment(pod, &pod.Spec.Containers[0], surroundings)
	if err != nil {
		t.Fatal(err)
	}
	volumes := map[string]string{"data": "/v/data"}
	for _, test := range []struct {
		name   string
		mounts []corev1.VolumeMount
		want   []Mount
		err    string
	}{
		{name: "outer ones first", mounts: []corev1.VolumeMount{{Name: "data", MountPath: "/a/b"}, {Name: "data", MountPath: "/a/", ReadOnly: true}},
			want: []Mount{{Volume: "data", Source: "/v/data", Target: "/a", ReadOnly: true}, {Volume: "data", Source: "/v/data", Target: "/a/b"}}},
		{name: "a part", mounts: []corev1.VolumeMount{{Name: "data", MountPath: "/a", SubPath: "p/q"}},
			want: []Mount{{Volume: "data", Source: "/v/data", SubPath: "p/q", Target: "/a"}}},
		{name: "a part by the environment", mounts: []corev1.VolumeMount{{Name: "data", MountPath: "/a", SubPathExpr: "p/$(NAME)"}},
			want: []Mount{{Volume: "data", Source: "/v/data", SubPath: "p/x", Target: "/a"}}},
		{name: "a part by what is not there", mounts: []corev1.VolumeMount{{Name: "data", MountPath: "/a", SubPathExpr: "$(NONE)"}}, err: "failed to expand subPath"},
		{name: "a part outside", mounts: []corev1.VolumeMount{{Name: "data", MountPath: "/a", SubPathExpr: "$(UP)/x"}}, err: "must be a relative path"},
		{name: "no such volume", mounts: []corev1.VolumeMount{{Name: "none", MountPath: "/a"}}, err: `cannot find volume "none"`},
	} {
		got, err := Mounts(&corev1.Container{Name: "main", VolumeMounts: test.mounts}, volumes, env)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if (test.err == "") != (err == nil) || !strings.Contains(message(err), test.err) {
			t.Errorf("%s: %v, want %q", test.name, err, test.err)
		}
	}
}

func TestCredentialsAreForTheirRegistries(t *testing.T) {
	config := func(text string) *corev1.Secret {
		return &corev1.Secret{Type: corev1.SecretTypeDockerConfigJson, Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte(text)}}
	}
	both := base64.StdEncoding.EncodeToString([]byte("u:p:q"))
	secrets := []*corev1.Secret{
		config(`{"auths":{"https://index.docker.io/v1/":{"auth":"` + both + `"},"registry.example.org":{"username":"all","password":"1"}}}`),
		config(`{"auths":{"registry.example.org/team":{"username":"team","password":"2"},"*.example.com":{"registrytoken":"t"}}}`),
		{Type: corev1.SecretTypeDockercfg, Data: map[string][]byte{corev1.DockerConfigKey: []byte(`{"localhost:5000":{"username":"old","password":"3"}}`)}},
		{Type: corev1.SecretTypeOpaque, Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte("no JSON")}},
	}
	for _, test := range []struct {
		image string
		want  []podrun.Auth
	}{
		{"nginx", []podrun.Auth{{Username: "u", Password: "p:q"}}},
		{"registry.example.org/other/x:1", []podrun.Auth{{Username: "all", Password: "1"}}},
		{"registry.example.org/team/x", []podrun.Auth{{Username: "team", Password: "2"}, {Username: "all", Password: "1"}}},
		{"registry.example.org/teams/x", []podrun.Auth{{Username: "all", Password: "1"}}},
		{"a.example.com/app", []podrun.Auth{{Token: "t"}}},
		{"a.b.example.com/app", nil},
		{"localhost:5000/app", []podrun.Auth{{Username: "old", Password: "3"}}},
		{"elsewhere.example.net/app", nil},
	} {
		got, err := Credentials(secrets, test.image)
		if err != nil {
			t.Errorf("%s: %v", test.image, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.image, diff)
		}
	}
	damaged := config("{")
	damaged.Name = "broken"
	if _, err := Credentials([]*corev1.Secret{damaged}, "nginx"); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("a damaged secret: %v", err)
	}
}

func FuzzCredentials(f *testing.F) {
	f.Add([]byte(`{"auths":{"docker.io":{"auth":"dTpw"}}}`), "nginx")
	f.Add([]byte(`{"auths":{"[":{"username":"a"}}}`), "a.b/c@d")
	f.Add([]byte(`{"auths":{"https://*/":{}}}`), "host")
	f.Fuzz(func(t *testing.T, data []byte, image string) {
		s := &corev1.Secret{Type: corev1.SecretTypeDockerConfigJson, Data: map[string][]byte{corev1.DockerConfigJsonKey: data}}
		list, _ := Credentials([]*corev1.Secret{s}, image)
		for _, a := range list {
			if a == (podrun.Auth{}) {
				t.Error("an empty credential")
			}
		}
	})
}
