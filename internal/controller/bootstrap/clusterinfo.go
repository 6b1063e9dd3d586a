package bootstrap

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const (
	clusterInfo   = "cluster-info"
	kubeconfigKey = "kubeconfig"
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
	client := b.client.CoreV1().ConfigMaps(metav1.NamespacePublic)
	current, err := client.Get(ctx, clusterInfo, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		current = &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: clusterInfo, Namespace: metav1.NamespacePublic},
			Data:       map[string]string{kubeconfigKey: string(text)},
		}
		_, err = client.Create(ctx, current, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
	} else if err == nil && current.Data[kubeconfigKey] != string(text) {
		if current.Data == nil {
			current.Data = map[string]string{}
		}
		current.Data[kubeconfigKey] = string(text)
		_, err = client.Update(ctx, current, metav1.UpdateOptions{})
	}
	if err != nil {
		return fmt.Errorf("keeping config map %s/%s: %w", metav1.NamespacePublic, clusterInfo, err)
	}
	return nil
}
