package validation

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkProbes checks the questions that tell whether a container is well.
func (s podScope) checkProbes(c *corev1.Container, p *field.Path) field.ErrorList {
	errs := s.checkProbe(c.LivenessProbe, p.Child("livenessProbe"))
	errs = append(errs, checkSingleSuccess(c.LivenessProbe, p.Child("livenessProbe"))...)
	errs = append(errs, s.checkProbe(c.StartupProbe, p.Child("startupProbe"))...)
	errs = append(errs, checkSingleSuccess(c.StartupProbe, p.Child("startupProbe"))...)
	errs = append(errs, s.checkProbe(c.ReadinessProbe, p.Child("readinessProbe"))...)
	if c.ReadinessProbe != nil && c.ReadinessProbe.TerminationGracePeriodSeconds != nil {
		errs = append(errs, field.Invalid(p.Child("readinessProbe", "terminationGracePeriodSeconds"),
			*c.ReadinessProbe.TerminationGracePeriodSeconds, "must not be set for readinessProbes"))
	}
	return errs
}

func (s podScope) checkProbe(probe *corev1.Probe, p *field.Path) field.ErrorList {
	if probe == nil {
		return nil
	}
	errs := s.checkHandler(handler{
		exec: probe.Exec, httpGet: probe.HTTPGet, tcpSocket: probe.TCPSocket, grpc: probe.GRPC,
	}, p)
	errs = append(errs, atLeastZero(p.Child("initialDelaySeconds"), probe.InitialDelaySeconds)...)
	errs = append(errs, atLeastZero(p.Child("timeoutSeconds"), probe.TimeoutSeconds)...)
	errs = append(errs, atLeastZero(p.Child("periodSeconds"), probe.PeriodSeconds)...)
	errs = append(errs, atLeastZero(p.Child("successThreshold"), probe.SuccessThreshold)...)
	errs = append(errs, atLeastZero(p.Child("failureThreshold"), probe.FailureThreshold)...)
	if t := probe.TerminationGracePeriodSeconds; t != nil && *t <= 0 {
		errs = append(errs, field.Invalid(p.Child("terminationGracePeriodSeconds"), *t, "must be greater than 0"))
	}
	return errs
}

// checkSingleSuccess wants probes whose failure ends the container to believe
// the first success.
func checkSingleSuccess(probe *corev1.Probe, p *field.Path) field.ErrorList {
	if probe == nil || probe.SuccessThreshold == 1 {
		return nil
	}
	return field.ErrorList{field.Invalid(p.Child("successThreshold"), probe.SuccessThreshold, "must be 1")}
}

// checkLifecycle checks what is done after the start and before the stop.
func (s podScope) checkLifecycle(l *corev1.Lifecycle, p *field.Path) field.ErrorList {
	if l == nil {
		return nil
	}
	var errs field.ErrorList
	if h := l.PostStart; h != nil {
		errs = append(errs, s.checkHandler(handler{exec: h.Exec, httpGet: h.HTTPGet, tcpSocket: h.TCPSocket, sleep: h.Sleep}, p.Child("postStart"))...)
	}
	if h := l.PreStop; h != nil {
		errs = append(errs, s.checkHandler(handler{exec: h.Exec, httpGet: h.HTTPGet, tcpSocket: h.TCPSocket, sleep: h.Sleep}, p.Child("preStop"))...)
	}
	if l.StopSignal != nil && s.spec.OS == nil {
		errs = append(errs, field.Forbidden(p.Child("stopSignal"), "may not be set for containers with empty `spec.os.name`"))
	}
	return errs
}

// handler is an action of a probe or of the life cycle: exactly one of these.
type handler struct {
	exec      *corev1.ExecAction
	httpGet   *corev1.HTTPGetAction
	tcpSocket *corev1.TCPSocketAction
	grpc      *corev1.GRPCAction
	sleep     *corev1.SleepAction
}

func (s podScope) checkHandler(h handler, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	handlers := 0
	add := func(name string, check func(*field.Path) field.ErrorList) {
		if handlers++; handlers > 1 {
			errs = append(errs, field.Forbidden(p.Child(name), "may not specify more than 1 handler type"))
			return
		}
		errs = append(errs, check(p.Child(name))...)
	}
	if h.exec != nil {
		add("exec", h.checkExec)
	}
	if h.httpGet != nil {
		add("httpGet", h.checkHTTPGet)
	}
	if h.tcpSocket != nil {
		add("tcpSocket", h.checkTCPSocket)
	}
	if h.grpc != nil {
		add("grpc", h.checkGRPC)
	}
	if h.sleep != nil {
		add("sleep", func(p *field.Path) field.ErrorList { return s.checkSleep(h.sleep, p) })
	}
	if handlers == 0 {
		errs = append(errs, field.Required(p, "must specify a handler type"))
	}
	return errs
}

func (h handler) checkExec(p *field.Path) field.ErrorList {
	if len(h.exec.Command) == 0 {
		return field.ErrorList{field.Required(p.Child("command"), "")}
	}
	return nil
}

func (h handler) checkHTTPGet(p *field.Path) field.ErrorList {
	errs := present(p.Child("path"), h.httpGet.Path)
	errs = append(errs, portOrName(p.Child("port"), h.httpGet.Port)...)
	scheme := h.httpGet.Scheme
	errs = append(errs, oneOfIfSet(p.Child("scheme"), &scheme, corev1.URISchemeHTTP, corev1.URISchemeHTTPS)...)
	errs = append(errs, oneOfIfSet(p.Child("protocol"), h.httpGet.Protocol, corev1.HTTPProtocolHTTP1, corev1.HTTPProtocolHTTP2)...)
	for i, header := range h.httpGet.HTTPHeaders {
		errs = append(errs, invalidIf(p.Child("httpHeaders").Index(i).Child("name"), header.Name, validation.IsHTTPHeaderName(header.Name))...)
	}
	return errs
}

func (h handler) checkTCPSocket(p *field.Path) field.ErrorList {
	return portOrName(p.Child("port"), h.tcpSocket.Port)
}

func (h handler) checkGRPC(p *field.Path) field.ErrorList {
	errs := portOrName(p.Child("port"), intstr.FromInt32(h.grpc.Port))
	return append(errs, oneOfIfSet(p.Child("mode"), h.grpc.Mode, corev1.GRPCProbeModePlaintext, corev1.GRPCProbeModeTLS)...)
}

// checkSleep wants the pause to fit into the time the pod has to end.
func (s podScope) checkSleep(sleep *corev1.SleepAction, p *field.Path) field.ErrorList {
	grace := s.spec.TerminationGracePeriodSeconds
	if grace == nil || sleep.Seconds >= 0 && sleep.Seconds <= *grace {
		return nil
	}
	return field.ErrorList{field.Invalid(p.Child("seconds"), sleep.Seconds,
		fmt.Sprintf("must be non-negative and less than terminationGracePeriodSeconds (%d)", *grace))}
}
