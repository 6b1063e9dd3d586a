package core

import (
	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
)

// SetDefaults_Container sets how the image is pulled and where the last words
// of the container are read.
func SetDefaults_Container(obj *corev1.Container) {
	setContainer(obj.Image, &obj.ImagePullPolicy, &obj.TerminationMessagePath, &obj.TerminationMessagePolicy)
}

// SetDefaults_EphemeralContainer is as SetDefaults_Container.
func SetDefaults_EphemeralContainer(obj *corev1.EphemeralContainer) {
	setContainer(obj.Image, &obj.ImagePullPolicy, &obj.TerminationMessagePath, &obj.TerminationMessagePolicy)
}

func setContainer(image string, pull *corev1.PullPolicy, messagePath *string, messagePolicy *corev1.TerminationMessagePolicy) {
	setPullPolicy(image, pull)
	if *messagePath == "" {
		*messagePath = corev1.TerminationMessagePathDefault
	}
	if *messagePolicy == "" {
		*messagePolicy = corev1.TerminationMessageReadFile
	}
}

func setPullPolicy(image string, pull *corev1.PullPolicy) {
	if *pull != "" {
		return
	}
	*pull = corev1.PullIfNotPresent
	if mayMove(image) {
		*pull = corev1.PullAlways
	}
}

// mayMove says whether an image reference means another image from day to
// day: it names the tag latest, or neither tag nor digest. What cannot be
// parsed is left for validation, or the runtime, to refuse.
func mayMove(image string) bool {
	ref, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return false
	}
	if tagged, ok := ref.(reference.Tagged); ok {
		return tagged.Tag() == "latest"
	}
	_, digested := ref.(reference.Digested)
	return !digested
}

// SetDefaults_Probe asks every ten seconds, waits a second for the answer,
// and believes one success or three failures.
func SetDefaults_Probe(obj *corev1.Probe) {
	setZero(&obj.TimeoutSeconds, 1)
	setZero(&obj.PeriodSeconds, 10)
	setZero(&obj.SuccessThreshold, 1)
	setZero(&obj.FailureThreshold, 3)
}

// SetDefaults_HTTPGetAction asks for the root by plain HTTP.
func SetDefaults_HTTPGetAction(obj *corev1.HTTPGetAction) {
	if obj.Path == "" {
		obj.Path = "/"
	}
	if obj.Scheme == "" {
		obj.Scheme = corev1.URISchemeHTTP
	}
}

// SetDefaults_ObjectFieldSelector reads fields as version v1 names them.
func SetDefaults_ObjectFieldSelector(obj *corev1.ObjectFieldSelector) {
	if obj.APIVersion == "" {
		obj.APIVersion = "v1"
	}
}

func setZero(field *int32, value int32) {
	if *field == 0 {
		*field = value
	}
}
