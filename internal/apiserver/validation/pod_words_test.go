package validation_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestPodErrorsAreWordedAsPeopleKnowThem guards the texts that are searched
// for and that other programs match.
func TestPodErrorsAreWordedAsPeopleKnowThem(t *testing.T) {
	s := podScheme(t)
	for _, c := range []struct {
		change func(*corev1.Pod)
		want   string
	}{
		{on(func(c *corev1.Container) { c.Image = "" }), `spec.containers[0].image: Required value`},
		{on(func(c *corev1.Container) { c.Name = "Web" }),
			`spec.containers[0].name: Invalid value: "Web": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`},
		{on(func(c *corev1.Container) { c.Ports[0].ContainerPort = 70000 }),
			`spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive`},
		{on(func(c *corev1.Container) { c.ImagePullPolicy = "x" }),
			`spec.containers[0].imagePullPolicy: Unsupported value: "x": supported values: "Always", "IfNotPresent", "Never"`},
		{on(func(c *corev1.Container) { c.VolumeMounts[0].Name = "gone" }), `spec.containers[0].volumeMounts[0].name: Not found: "gone"`},
		{on(func(c *corev1.Container) { c.VolumeMounts[1].MountPath = "/data" }),
			`spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/data": must be unique`},
		{on(func(c *corev1.Container) { c.Resources.Requests = quantities("cpu", "2") }),
			`spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1`},
		{on(func(c *corev1.Container) {
			c.Resources.Limits["cpu"] = quantities("cpu", "-1")["cpu"]
			c.Resources.Requests = nil
		}),
			`spec.containers[0].resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0`},
		{on(func(c *corev1.Container) { c.LivenessProbe.HTTPGet = nil }), `spec.containers[0].livenessProbe: Required value: must specify a handler type`},
		{func(p *corev1.Pod) { p.Spec.RestartPolicy = "x" }, `spec.restartPolicy: Unsupported value: "x": supported values: "Always", "OnFailure", "Never"`},
		{on(func(c *corev1.Container) { c.Ports[0].Protocol = "x" }),
			`spec.containers[0].ports[0].protocol: Unsupported value: "x": supported values: "SCTP", "TCP", "UDP"`},
		{func(p *corev1.Pod) { p.Spec.Tolerations[0].Effect = "x" },
			`spec.tolerations[0].effect: Unsupported value: "x": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"`},
		{func(p *corev1.Pod) { p.Spec.Volumes[0].EmptyDir = nil }, `spec.volumes[0]: Required value: must specify a volume type`},
		{func(p *corev1.Pod) { p.Spec.Containers = nil }, `spec.containers: Required value`},
	} {
		t.Run(c.want, func(t *testing.T) {
			pod := validPod(t, s)
			c.change(pod)
			errs := rulesOf("pods").Create(pod)
			if len(errs) != 1 || errs[0].Error() != c.want {
				t.Errorf("got  %v\nwant %s", errs, c.want)
			}
		})
	}
}
