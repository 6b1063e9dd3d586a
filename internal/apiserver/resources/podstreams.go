package resources

import (
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/causeway-access/causeway/internal/apiserver/podstreams"
)

// addPodStreams adds what leads into pods. It comes after pods and nodes.
func (b *builder) addPodStreams(s served) {
	if b.err != nil {
		return
	}
	streams := podstreams.New(podstreams.Config{
		Pods: s["pods"].(rest.Getter), Nodes: s["nodes"].(rest.Getter), Reach: b.Nodes,
	})
	s["pods/log"] = podstreams.Log{Streams: streams}
	s["pods/exec"] = podstreams.Exec{Streams: streams}
	s["pods/attach"] = podstreams.Attach{Streams: streams}
	s["pods/portforward"] = podstreams.PortForward{Streams: streams}
}
