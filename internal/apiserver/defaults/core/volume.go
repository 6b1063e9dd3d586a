package core

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

// SetDefaults_Volume makes a volume without source an empty directory.
func SetDefaults_Volume(obj *corev1.Volume) {
	if equality.Semantic.DeepEqual(&obj.VolumeSource, &corev1.VolumeSource{}) {
		obj.EmptyDir = &corev1.EmptyDirVolumeSource{}
	}
}

// SetDefaults_ImageVolumeSource sets how the image is pulled, as for that of a
// container.
func SetDefaults_ImageVolumeSource(obj *corev1.ImageVolumeSource) {
	setPullPolicy(obj.Reference, &obj.PullPolicy)
}

// SetDefaults_HostPathVolumeSource makes no demand on what is at the path.
func SetDefaults_HostPathVolumeSource(obj *corev1.HostPathVolumeSource) {
	set(&obj.Type, corev1.HostPathUnset)
}

// SetDefaults_SecretVolumeSource gives files mode 0644.
func SetDefaults_SecretVolumeSource(obj *corev1.SecretVolumeSource) {
	set(&obj.DefaultMode, corev1.SecretVolumeSourceDefaultMode)
}

// SetDefaults_ConfigMapVolumeSource gives files mode 0644.
func SetDefaults_ConfigMapVolumeSource(obj *corev1.ConfigMapVolumeSource) {
	set(&obj.DefaultMode, corev1.ConfigMapVolumeSourceDefaultMode)
}

// SetDefaults_DownwardAPIVolumeSource gives files mode 0644.
func SetDefaults_DownwardAPIVolumeSource(obj *corev1.DownwardAPIVolumeSource) {
	set(&obj.DefaultMode, corev1.DownwardAPIVolumeSourceDefaultMode)
}

// SetDefaults_ProjectedVolumeSource gives files mode 0644.
func SetDefaults_ProjectedVolumeSource(obj *corev1.ProjectedVolumeSource) {
	set(&obj.DefaultMode, corev1.ProjectedVolumeSourceDefaultMode)
}

// SetDefaults_ServiceAccountTokenProjection asks for tokens of one hour.
func SetDefaults_ServiceAccountTokenProjection(obj *corev1.ServiceAccountTokenProjection) {
	set(&obj.ExpirationSeconds, int64(60*60))
}

// SetDefaults_PersistentVolumeClaimSpec asks for a file system rather than a
// block device; pods carry such claims in ephemeral volumes.
func SetDefaults_PersistentVolumeClaimSpec(obj *corev1.PersistentVolumeClaimSpec) {
	set(&obj.VolumeMode, corev1.PersistentVolumeFilesystem)
}
