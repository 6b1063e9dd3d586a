package conformance

import (
	"cmp"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const accountDir = "/var/run/secrets/kubernetes.io/serviceaccount"

// Pods get the credentials of their accounts, unless they or the account want
// none, or have them otherwise.
func TestPodsGetTheirAccounts(t *testing.T) {
	ns := shared.Namespace(t)
	accounts := shared.Client.CoreV1().ServiceAccounts(ns)
	no, yes := false, true
	for _, a := range []corev1.ServiceAccount{
		{ObjectMeta: metav1.ObjectMeta{Name: "builder"}, ImagePullSecrets: []corev1.LocalObjectReference{{Name: "registry"}}},
		{ObjectMeta: metav1.ObjectMeta{Name: "tokenless"}, AutomountServiceAccountToken: &no},
	} {
		if _, err := accounts.Create(t.Context(), &a, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	type result struct {
		Account string
		// Mounts are those of the containers at accountDir, by container.
		Mounts []string
		Pull   string
	}
	for _, tt := range []struct {
		name string
		spec corev1.PodSpec
		want result
	}{
		{"plain", corev1.PodSpec{}, result{Account: "default", Mounts: []string{"setup", "main"}}},
		{"named", corev1.PodSpec{ServiceAccountName: "builder"}, result{Account: "builder", Mounts: []string{"setup", "main"}, Pull: "registry"}},
		{"by-its-older-name", corev1.PodSpec{DeprecatedServiceAccount: "builder"}, result{Account: "builder", Mounts: []string{"setup", "main"}, Pull: "registry"}},
		{"own-pull-secret", corev1.PodSpec{ServiceAccountName: "builder", ImagePullSecrets: []corev1.LocalObjectReference{{Name: "mine"}}}, result{Account: "builder", Mounts: []string{"setup", "main"}, Pull: "mine"}},
		{"opted-out", corev1.PodSpec{AutomountServiceAccountToken: &no}, result{Account: "default"}},
		{"account-opted-out", corev1.PodSpec{ServiceAccountName: "tokenless"}, result{Account: "tokenless"}},
		{"opted-in-again", corev1.PodSpec{ServiceAccountName: "tokenless", AutomountServiceAccountToken: &yes}, result{Account: "tokenless", Mounts: []string{"setup", "main"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.spec.InitContainers = []corev1.Container{{Name: "setup", Image: "host"}}
			tt.spec.Containers = []corev1.Container{{Name: "main", Image: "host"}}
			pod, err := shared.Client.CoreV1().Pods(ns).Create(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: tt.name}, Spec: tt.spec}, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			got := result{Account: cmp.Or(pod.Spec.ServiceAccountName, "?")}
			for _, s := range pod.Spec.ImagePullSecrets {
				got.Pull += s.Name
			}
			for _, c := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
				for _, m := range c.VolumeMounts {
					if m.MountPath == accountDir && m.ReadOnly && len(pod.Spec.Volumes) == 1 && m.Name == pod.Spec.Volumes[0].Name {
						got.Mounts = append(got.Mounts, c.Name)
					}
				}
			}
			if d := gocmp.Diff(tt.want, got); d != "" {
				t.Errorf("want -, got +:\n%s\n%+v", d, pod.Spec)
			}
			if got.Mounts != nil && !strings.HasPrefix(pod.Spec.Volumes[0].Name, "kube-api-access-") {
				t.Errorf("the volume is called %s", pod.Spec.Volumes[0].Name)
			}
		})
	}
}

// What a container has at the place of the credentials already is left alone,
// and an account that is not there is an error that names it.
func TestPodsKeepWhatTheyHaveForAnAccount(t *testing.T) {
	ns := shared.Namespace(t)
	pods := shared.Client.CoreV1().Pods(ns)
	own := corev1.PodSpec{
		Containers: []corev1.Container{{Name: "main", Image: "host", VolumeMounts: []corev1.VolumeMount{{Name: "mine", MountPath: accountDir}}}},
		Volumes:    []corev1.Volume{{Name: "mine", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
	}
	pod, err := pods.Create(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "own"}, Spec: own}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(pod.Spec.Volumes) != 1 || len(pod.Spec.Containers[0].VolumeMounts) != 1 {
		t.Errorf("the pod has the volumes %+v and the mounts %+v", pod.Spec.Volumes, pod.Spec.Containers[0].VolumeMounts)
	}
	own.ServiceAccountName = "absent"
	_, err = pods.Create(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "absent"}, Spec: own}, metav1.CreateOptions{})
	const want = `pods "absent" is forbidden: error looking up service account `
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), want+ns+`/absent: serviceaccount "absent" not found`) {
		t.Errorf("got %v", err)
	}
}
