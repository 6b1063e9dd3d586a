package core

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
)

// SetDefaults_Pod sets what concerns a pod but not the template of one:
// requests follow limits, ports of a pod on the host's network are the
// host's, and containers learn of services by their environment.
func SetDefaults_Pod(obj *corev1.Pod) {
	spec := &obj.Spec
	for _, containers := range [][]corev1.Container{spec.Containers, spec.InitContainers} {
		for i := range containers {
			c := &containers[i]
			setResources(&c.Resources.Requests, c.Resources.Limits)
			if spec.HostNetwork {
				setHostPorts(c.Ports)
			}
		}
	}
	set(&spec.EnableServiceLinks, corev1.DefaultEnableServiceLinks)
	setPodResources(obj)
}

// setHostPorts publishes ports under their own number, since on the host's
// network there is no other.
func setHostPorts(ports []corev1.ContainerPort) {
	for i := range ports {
		if ports[i].HostPort == 0 {
			ports[i].HostPort = ports[i].ContainerPort
		}
	}
}

// setPodResources completes the requests of a pod that limits its resources
// as a whole (KEP-2837): they are what its containers request together, or,
// of what none of them requests, the limit.
func setPodResources(pod *corev1.Pod) {
	r := pod.Spec.Resources
	if r == nil || len(r.Limits) == 0 {
		return
	}
	requested := resourcehelper.AggregateContainerRequests(pod, resourcehelper.PodResourcesOptions{})
	maps.DeleteFunc(requested, func(name corev1.ResourceName, _ resource.Quantity) bool {
		return !resourcehelper.IsSupportedPodLevelResource(name)
	})
	setResources(&r.Requests, requested)
	setResources(&r.Requests, r.Limits)
}

// SetDefaults_PodSpec sets what a pod and the template of one have in common.
func SetDefaults_PodSpec(obj *corev1.PodSpec) {
	if obj.DNSPolicy == "" {
		obj.DNSPolicy = corev1.DNSClusterFirst
	}
	if obj.RestartPolicy == "" {
		obj.RestartPolicy = corev1.RestartPolicyAlways
	}
	if obj.SchedulerName == "" {
		obj.SchedulerName = corev1.DefaultSchedulerName
	}
	setServiceAccount(obj)
	set(&obj.SecurityContext, corev1.PodSecurityContext{})
	set(&obj.TerminationGracePeriodSeconds, int64(corev1.DefaultTerminationGracePeriodSeconds))
}

// setServiceAccount keeps the field and its older name, serviceAccount, alike.
func setServiceAccount(obj *corev1.PodSpec) {
	if obj.ServiceAccountName == "" {
		obj.ServiceAccountName = obj.DeprecatedServiceAccount
	}
	obj.DeprecatedServiceAccount = obj.ServiceAccountName
}

// SetDefaults_PodStatus keeps the addresses and their first, which was there
// before there could be several, alike; where they differ the first wins.
func SetDefaults_PodStatus(obj *corev1.PodStatus) {
	switch {
	case obj.PodIP == "" && len(obj.PodIPs) > 0:
		obj.PodIP = obj.PodIPs[0].IP
	case obj.PodIP != "" && (len(obj.PodIPs) == 0 || obj.PodIPs[0].IP != obj.PodIP):
		obj.PodIPs = []corev1.PodIP{{IP: obj.PodIP}}
	}
	switch {
	case obj.HostIP == "" && len(obj.HostIPs) > 0:
		obj.HostIP = obj.HostIPs[0].IP
	case obj.HostIP != "" && (len(obj.HostIPs) == 0 || obj.HostIPs[0].IP != obj.HostIP):
		obj.HostIPs = []corev1.HostIP{{IP: obj.HostIP}}
	}
}
