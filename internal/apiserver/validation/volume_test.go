package validation_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func TestVolumeMounts(t *testing.T) {
	mount := func(m corev1.VolumeMount) func(*corev1.Pod) {
		return on(func(c *corev1.Container) { c.VolumeMounts[0] = m })
	}
	const at = "spec.containers[0].volumeMounts[0]"
	runPodCases(t, []podCase{
		{"empty", mount(corev1.VolumeMount{}), []string{at + ".name: Required value", at + ".mountPath: Required value"}},
		{"of no volume", mount(corev1.VolumeMount{Name: "x", MountPath: "/x"}), []string{at + ".name: Not found"}},
		{"at a path taken", mount(corev1.VolumeMount{Name: "data", MountPath: "/var/run/api"}), []string{"spec.containers[0].volumeMounts[1].mountPath: Invalid value"}},
		{"out of the volume", mount(corev1.VolumeMount{Name: "data", MountPath: "/x", SubPath: "a/../../b"}), []string{at + ".subPath: Invalid value"}},
		{"from the root", mount(corev1.VolumeMount{Name: "data", MountPath: "/x", SubPath: "/b"}), []string{at + ".subPath: Invalid value"}},
		{"two parts", mount(corev1.VolumeMount{Name: "data", MountPath: "/x", SubPath: "a", SubPathExpr: "b"}), []string{at + ".subPathExpr: Invalid value"}},
		{"to the host, unprivileged", mount(corev1.VolumeMount{Name: "data", MountPath: "/x", MountPropagation: ptr.To(corev1.MountPropagationBidirectional)}),
			[]string{at + ".mountPropagation: Forbidden"}},
		{"read-only below what is not", mount(corev1.VolumeMount{Name: "data", MountPath: "/x", RecursiveReadOnly: ptr.To(corev1.RecursiveReadOnlyEnabled)}),
			[]string{at + ".recursiveReadOnly: Forbidden"}},
		{"device of a directory", on(func(c *corev1.Container) {
			c.VolumeDevices = []corev1.VolumeDevice{{Name: "data", DevicePath: "/dev/x"}}
		}), []string{"spec.containers[0].volumeDevices[0].name: Invalid value", at + ".name: Invalid value"}},
	})
}

func TestVolumeSources(t *testing.T) {
	volume := func(source corev1.VolumeSource) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Spec.Volumes[0].VolumeSource = source }
	}
	const at = "spec.volumes[0]"
	runPodCases(t, []podCase{
		{"no name", func(p *corev1.Pod) {
			p.Spec.Volumes = append(p.Spec.Volumes, p.Spec.Volumes[0])
			p.Spec.Volumes[2].Name = ""
		},
			[]string{"spec.volumes[2].name: Required value"}},
		{"name twice", func(p *corev1.Pod) { p.Spec.Volumes = append(p.Spec.Volumes, p.Spec.Volumes[0]) }, []string{"spec.volumes[2].name: Duplicate value"}},
		{"no source", volume(corev1.VolumeSource{}), []string{at + ": Required value"}},
		{"two sources", volume(corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}, HostPath: &corev1.HostPathVolumeSource{Path: "/"}}),
			[]string{at + ".emptyDir: Forbidden"}},
		{"negative size", volume(corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: ptr.To(resource.MustParse("-1"))}}),
			[]string{at + ".emptyDir.sizeLimit: Forbidden"}},
		{"host path upwards", volume(corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/a/../..", Type: ptr.To(corev1.HostPathType("Pipe"))}}),
			[]string{at + ".hostPath.path: Invalid value", at + ".hostPath.type: Unsupported value"}},
		{"host path empty", volume(corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{}}), []string{at + ".hostPath.path: Required value"}},
		{"config map", volume(corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			DefaultMode: ptr.To(int32(0o1000)), Items: []corev1.KeyToPath{{}, {Key: "a", Path: "..a"}, {Key: "a", Path: "/a"}},
		}}), []string{
			at + ".configMap.name: Required value", at + ".configMap.defaultMode: Invalid value",
			at + ".configMap.items[0].key: Required value", at + ".configMap.items[0].path: Required value",
			at + ".configMap.items[1].path: Invalid value", at + ".configMap.items[2].path: Invalid value",
		}},
		{"secret", volume(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{}}), []string{at + ".secret.secretName: Required value"}},
		{"downward", volume(corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: []corev1.DownwardAPIVolumeFile{
			{Path: "a"},
			{Path: "b", FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "status.podIP"}},
			{Path: "c", ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.cpu"}},
		}}}), []string{
			at + ".downwardAPI.items[0]: Required value", at + ".downwardAPI.items[1].fieldRef.fieldPath: Unsupported value",
			at + ".downwardAPI.items[2].resourceFieldRef.containerName: Required value",
		}},
		{"claim", volume(corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{}}), []string{at + ".persistentVolumeClaim.claimName: Required value"}},
		{"NFS", volume(corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{Path: "a"}}), []string{at + ".nfs.server: Required value", at + ".nfs.path: Invalid value"}},
		{"CSI", volume(corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{}}), []string{at + ".csi.driver: Required value"}},
		{"CSI with a secret", volume(corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
			Driver: strings.Repeat("a", 64), NodePublishSecretRef: &corev1.LocalObjectReference{},
		}}), []string{at + ".csi.driver: Too long", at + ".csi.nodePublishSecretRef.name: Required value"}},
		{"git repository", volume(corev1.VolumeSource{GitRepo: &corev1.GitRepoVolumeSource{Directory: "../a"}}),
			[]string{at + ".gitRepo.repository: Required value", at + ".gitRepo.directory: Invalid value"}},
		{"image", volume(corev1.VolumeSource{Image: &corev1.ImageVolumeSource{PullPolicy: "Often"}}), []string{at + ".image.reference: Required value", at + ".image.pullPolicy: Unsupported value"}},
		{"ephemeral", volume(corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{}}}), []string{
			at + ".ephemeral.volumeClaimTemplate.spec.accessModes: Required value",
			at + ".ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value",
		}},
	})
}

func TestProjectedVolumes(t *testing.T) {
	sources := func(list ...corev1.VolumeProjection) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Spec.Volumes[1].Projected.Sources = list }
	}
	token := func(path string, seconds *int64) corev1.VolumeProjection {
		return corev1.VolumeProjection{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: path, ExpirationSeconds: seconds}}
	}
	const at = "spec.volumes[1].projected.sources"
	runPodCases(t, []podCase{
		{"no source", sources(corev1.VolumeProjection{}), []string{at + "[0]: Required value"}},
		{"short token", sources(token("t", ptr.To(int64(599)))), []string{at + "[0].serviceAccountToken.expirationSeconds: Invalid value"}},
		{"long token", sources(token("t", ptr.To(int64(1<<32+1)))), []string{at + "[0].serviceAccountToken.expirationSeconds: Invalid value"}},
		{"token out of the volume", sources(token("../t", ptr.To(int64(600)))), []string{at + "[0].serviceAccountToken.path: Invalid value"}},
		{"one file twice", sources(token("t", ptr.To(int64(600))), token("./t", ptr.To(int64(600)))), []string{at + "[1]: Invalid value"}},
		{"trust bundle of two names", sources(corev1.VolumeProjection{ClusterTrustBundle: &corev1.ClusterTrustBundleProjection{
			Path: "b", Name: ptr.To("a"), SignerName: ptr.To("b/c"),
		}}), []string{at + "[0].clusterTrustBundle: Invalid value"}},
		{"trust bundle of no name", sources(corev1.VolumeProjection{ClusterTrustBundle: &corev1.ClusterTrustBundleProjection{Path: "b"}}),
			[]string{at + "[0].clusterTrustBundle: Required value"}},
		{"trust bundle by name and labels", sources(corev1.VolumeProjection{ClusterTrustBundle: &corev1.ClusterTrustBundleProjection{
			Path: "b", Name: ptr.To("a"), LabelSelector: &metav1.LabelSelector{},
		}}), []string{at + "[0].clusterTrustBundle.labelSelector: Invalid value"}},
		{"trust bundles of a signer", sources(corev1.VolumeProjection{ClusterTrustBundle: &corev1.ClusterTrustBundleProjection{
			Path: "b", SignerName: ptr.To(""), LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"-": ""}},
		}}), []string{at + "[0].clusterTrustBundle.signerName: Required value", at + "[0].clusterTrustBundle.labelSelector.matchLabels: Invalid value"}},
		{"certificate to nowhere", sources(corev1.VolumeProjection{PodCertificate: &corev1.PodCertificateProjection{SignerName: "a/b", KeyType: "RSA512"}}),
			[]string{at + "[0].podCertificate: Required value", at + "[0].podCertificate.keyType: Unsupported value"}},
		{"certificate and key in one file", sources(corev1.VolumeProjection{PodCertificate: &corev1.PodCertificateProjection{
			SignerName: "a b", KeyType: "ED25519", KeyPath: "k", CertificateChainPath: "k", CredentialBundlePath: "/b",
		}}), []string{at + "[0]: Invalid value", at + "[0].podCertificate.signerName: Invalid value", at + "[0].podCertificate.credentialBundlePath: Invalid value"}},
		{"secret and config map without name", sources(
			corev1.VolumeProjection{Secret: &corev1.SecretProjection{Items: []corev1.KeyToPath{{Key: "a", Path: "a"}}}},
			corev1.VolumeProjection{ConfigMap: &corev1.ConfigMapProjection{Items: []corev1.KeyToPath{{Key: "a", Path: "a"}}}},
		), []string{at + "[0].secret.name: Required value", at + "[1].configMap.name: Required value", at + "[1]: Invalid value"}},
		{"downward file upwards", sources(corev1.VolumeProjection{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{
			{Path: "..", Mode: ptr.To(int32(-1)), FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.uid"}},
		}}}), []string{at + "[0].downwardAPI.items[0].path: Invalid value", at + "[0].downwardAPI.items[0].mode: Invalid value"}},
		{"two kinds in one source", sources(corev1.VolumeProjection{
			Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "a"}}, ConfigMap: &corev1.ConfigMapProjection{},
		}), []string{at + "[0].configMap: Forbidden"}},
	})
}
