package node

import (
	"context"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/causeway-access/causeway/internal/svcproxy"
)

// reasonPortFailed is that of an event of a service which a node does not serve.
const reasonPortFailed = "NodePortNotOpen"

// tellPorts returns what tells, by events of theirs, of services with ports that
// this node cannot open.
func (a *Agent) tellPorts() func(*svcproxy.Rule, error) {
	quiet := klog.NewContext(context.Background(), logr.Discard())
	broadcaster := record.NewBroadcaster(record.WithContext(quiet))
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: a.client.CoreV1().Events("")})
	a.onClose(func() error { broadcaster.Shutdown(); return nil })
	events := broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "kube-proxy", Host: a.cfg.Name})
	services := a.informers.Core().V1().Services().Lister()
	return func(rule *svcproxy.Rule, err error) {
		of, missing := services.Services(rule.Of.Namespace).Get(rule.Of.Name)
		if missing != nil {
			return // it is gone meanwhile
		}
		events.Eventf(&corev1.ObjectReference{
			Kind: "Service", APIVersion: "v1", Namespace: of.Namespace, Name: of.Name, UID: of.UID, ResourceVersion: of.ResourceVersion,
		}, corev1.EventTypeWarning, reasonPortFailed, "Port %s is not served by node %s, and is tried again: %v", rule.Key, a.cfg.Name, err)
	}
}
