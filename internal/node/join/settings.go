package join

import (
	"context"
	"fmt"
	"net/netip"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// SettingsName is the config map in kube-system in which the control plane says
// what a node has to know of the cluster. Nodes may read it.
const SettingsName = "causeway-node"

// Settings are what nodes have to know of the cluster that they join.
type Settings struct {
	// Services and Pods are the ranges of the addresses of services and of pods.
	Services, Pods netip.Prefix
	// DNS is the cluster IP of the service of cluster DNS.
	DNS netip.Addr
}

// The keys of the config map.
const (
	servicesKey = "service-cidr"
	podsKey     = "pod-cidr"
	dnsKey      = "cluster-dns"
)

// Data is what the config map holds.
func (s Settings) Data() map[string]string {
	return map[string]string{servicesKey: s.Services.String(), podsKey: s.Pods.String(), dnsKey: s.DNS.String()}
}

// ParseSettings reads what [Settings.Data] has written.
func ParseSettings(data map[string]string) (s Settings, err error) {
	if s.Services, err = netip.ParsePrefix(data[servicesKey]); err != nil {
		return Settings{}, fmt.Errorf("%s: %w", servicesKey, err)
	}
	if s.Pods, err = netip.ParsePrefix(data[podsKey]); err != nil {
		return Settings{}, fmt.Errorf("%s: %w", podsKey, err)
	}
	if s.DNS, err = netip.ParseAddr(data[dnsKey]); err != nil {
		return Settings{}, fmt.Errorf("%s: %w", dnsKey, err)
	}
	if !s.Services.Contains(s.DNS) {
		return Settings{}, fmt.Errorf("%s: %s is not in the services' range %s", dnsKey, s.DNS, s.Services)
	}
	return s, nil
}

// readSettings asks the control plane.
func readSettings(ctx context.Context, client kubernetes.Interface) (Settings, error) {
	told, err := client.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, SettingsName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return Settings{}, fmt.Errorf("the cluster has no config map %s/%s: is it run by Causeway, and by this version?", metav1.NamespaceSystem, SettingsName)
	}
	if err != nil {
		return Settings{}, fmt.Errorf("reading the cluster's settings: %w", err)
	}
	s, err := ParseSettings(told.Data)
	if err != nil {
		return Settings{}, fmt.Errorf("reading the config map %s/%s: %w", metav1.NamespaceSystem, SettingsName, err)
	}
	return s, nil
}
