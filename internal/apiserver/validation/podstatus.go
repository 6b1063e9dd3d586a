package validation

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// podStatus checks a write to the status of a pod, which is where a node
// says what became of it.
func podStatus(pod, old *corev1.Pod) field.ErrorList {
	errs := metadataUpdate(&pod.ObjectMeta, &old.ObjectMeta)
	p := field.NewPath("status")
	if pod.Spec.NodeName != old.Spec.NodeName {
		errs = append(errs, field.Forbidden(p.Child("nodeName"), "may not be changed directly"))
	}
	errs = append(errs, namedIfSet(p.Child("nominatedNodeName"), pod.Status.NominatedNodeName, whole(subdomainName))...)
	for i, c := range pod.Status.Conditions {
		errs = append(errs, atLeastZero(p.Child("conditions").Index(i).Child("observedGeneration"), c.ObservedGeneration)...)
	}
	errs = append(errs, podAddresses(pod.Status.PodIPs, p.Child("podIPs"))...)
	errs = append(errs, hostAddresses(pod.Status.HostIPs, p.Child("hostIPs"))...)
	policy := old.Spec.RestartPolicy
	errs = append(errs, transitions(pod.Status.ContainerStatuses, old.Status.ContainerStatuses, policy, p.Child("containerStatuses"))...)
	if policy == corev1.RestartPolicyNever { // side-cars restart by themselves under the other policies
		errs = append(errs, transitions(pod.Status.InitContainerStatuses, old.Status.InitContainerStatuses, policy, p.Child("initContainerStatuses"))...)
	}
	return errs
}

func podAddresses(ips []corev1.PodIP, p *field.Path) field.ErrorList {
	values := make([]string, len(ips))
	for i := range ips {
		values[i] = ips[i].IP
	}
	return addresses(values, p)
}

func hostAddresses(ips []corev1.HostIP, p *field.Path) field.ErrorList {
	values := make([]string, len(ips))
	for i := range ips {
		values[i] = ips[i].IP
	}
	return addresses(values, p)
}

// addresses accepts one address, or two of which one is IPv4 and one IPv6.
func addresses(ips []string, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := map[string]bool{}
	families := map[bool]int{}
	for i, ip := range ips {
		errs = append(errs, ipAddress(p.Index(i).Child("ip"), ip)...)
		errs = append(errs, unique(p.Index(i), ip, seen)...)
		families[isIPv6(ip)]++
	}
	if families[true] > 1 || families[false] > 1 {
		errs = append(errs, field.Invalid(p, ips, "may specify no more than one IP for each IP family"))
	}
	return errs
}

// transitions refuses to bring containers back that ended and are not to be
// started again.
func transitions(now, was []corev1.ContainerStatus, policy corev1.RestartPolicy, p *field.Path) field.ErrorList {
	if policy == corev1.RestartPolicyAlways {
		return nil
	}
	var errs field.ErrorList
	for i := range now {
		for j := range was {
			if now[i].Name != was[j].Name || was[j].State.Terminated == nil || now[i].State.Terminated != nil {
				continue
			}
			if policy == corev1.RestartPolicyOnFailure && was[j].State.Terminated.ExitCode != 0 {
				continue
			}
			errs = append(errs, field.Forbidden(p.Index(i).Child("state"), "may not be transitioned to non-terminated state"))
		}
	}
	return errs
}
