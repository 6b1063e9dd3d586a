package bootstrap

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const (
	clusterInfo   = "cluster-info"
	kubeconfigKey = "kubeconfig"

	// nodeSettings is in kube-system.
	nodeSettings = "causeway-node"
)

// ensureClusterInfo keeps the config map by which a machine that is about to
// join learns where the API is and how to know it.
func (b *bootstrap) ensureClusterInfo(ctx context.Context) error {
	config := clientcmdapi.NewConfig()
	config.Clusters[""] = &clientcmdapi.Cluster{
		Server:                   "https://" + b.Advertise.String(),
		CertificateAuthorityData: b.CA,
	}
	text, err := clientcmd.Write(*config)
	if err != nil {
		return fmt.Errorf("writing the kubeconfig of %s: %w", clusterInfo, err)
	}
	return b.ensureConfigMap(ctx, metav1.NamespacePublic, clusterInfo, map[string]string{kubeconfigKey: string(text)})
}

// ensureNodeSettings keeps the config map by which a node that has joined
// learns what is the same for all nodes.
func (b *bootstrap) ensureNodeSettings(ctx context.Context) error {
	if len(b.NodeSettings) == 0 {
		return nil
	}
	return b.ensureConfigMap(ctx, metav1.NamespaceSystem, nodeSettings, b.NodeSettings)
}

// ensureConfigMap keeps the given keys of a config map, and leaves others.
func (b *bootstrap) ensureConfigMap(ctx context.Context, namespace, name string, data map[string]string) error {
	client := b.client.CoreV1().ConfigMaps(namespace)
	current, err := client.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = client.Create(ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, Data: data,
		}, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
	} else if err == nil && !holds(current.Data, data) {
		if current.Data == nil {
			current.Data = map[string]string{}
		}
		maps.Copy(current.Data, data)
		_, err = client.Update(ctx, current, metav1.UpdateOptions{})
	}
	if err != nil {
		return fmt.Errorf("keeping config map %s/%s: %w", namespace, name, err)
	}
	return nil
}

// holds tells whether all of data is in there.
func holds(in, data map[string]string) bool {
	for key, value := range data {
		if in[key] != value {
			return false
		}
	}
	return true
}
