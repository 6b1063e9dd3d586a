package node

import (
	"k8s.io/client-go/kubernetes"
	restclient "k8s.io/client-go/rest"
)

// newClient is the node's client of the API. The server bounds what comes at
// once (API Priority and Fairness): by client-go's own five requests a second
// pods would wait for each other.
func newClient(api *restclient.Config) (kubernetes.Interface, error) {
	own := restclient.CopyConfig(api)
	own.QPS = -1
	return kubernetes.NewForConfig(own)
}
