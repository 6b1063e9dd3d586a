package apiserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/storage/names"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
)

const (
	// accountDir is where programs look for their credentials.
	accountDir = "/var/run/secrets/kubernetes.io/serviceaccount"
	// accountVolume begins the name of the volume that is mounted there.
	accountVolume = "kube-api-access-"
	// tokenLife is an hour and a little, by which such tokens are told from others.
	tokenLife = 3607
	// rootCAs is the config map with the cluster's authority in each namespace.
	rootCAs = "kube-root-ca.crt"
	// accountPatience is how long a pod waits for the account that every new
	// namespace gets in a moment, and accountStep how often it looks.
	accountPatience, accountStep = 20 * time.Second, 50 * time.Millisecond
)

// podAccounts gives every pod that is created a service account, and to its
// containers the credentials of that account: a token bound to the pod, the
// cluster's authority and the namespace's name, as one projected volume (KEP-2907).
// A pod whose account is not there is refused.
type podAccounts struct {
	*admission.Handler
	client   kubernetes.Interface
	accounts corelisters.ServiceAccountLister
}

var _ admission.MutationInterface = &podAccounts{}

func newPodAccounts(b *Base) *podAccounts {
	accounts := b.Informers.Core().V1().ServiceAccounts()
	p := &podAccounts{admission.NewHandler(admission.Create), b.Client, accounts.Lister()}
	p.SetReadyFunc(accounts.Informer().HasSynced)
	return p
}

// Admit implements [admission.MutationInterface].
func (p *podAccounts) Admit(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	pod, ok := a.GetObject().(*corev1.Pod)
	if !ok || a.GetSubresource() != "" {
		return nil
	}
	if pod.Spec.ServiceAccountName == "" {
		pod.Spec.ServiceAccountName = "default"
	}
	if !p.WaitForReady() {
		return admission.NewForbidden(a, errors.New("not yet ready to handle request"))
	}
	account, err := p.account(ctx, a.GetNamespace(), pod.Spec.ServiceAccountName)
	if err != nil {
		return admission.NewForbidden(a, fmt.Errorf("error looking up service account %s/%s: %w", a.GetNamespace(), pod.Spec.ServiceAccountName, err))
	}
	if len(pod.Spec.ImagePullSecrets) == 0 {
		pod.Spec.ImagePullSecrets = slices.Clone(account.ImagePullSecrets)
	}
	if automount(pod, account) {
		mountAccount(pod)
	}
	return nil
}

// account finds a service account, which may be newer than the cache. The one
// that a namespace has by itself is waited for.
func (p *podAccounts) account(ctx context.Context, namespace, name string) (*corev1.ServiceAccount, error) {
	account, err := p.accounts.ServiceAccounts(namespace).Get(name)
	if err == nil {
		return account, nil
	}
	ctx, cancel := context.WithTimeout(ctx, accountPatience)
	defer cancel()
	get := func(ctx context.Context) (done bool, err error) {
		account, err = p.client.CoreV1().ServiceAccounts(namespace).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) && name == "default" {
			return false, nil
		}
		return true, err
	}
	err = wait.PollUntilContextCancel(ctx, accountStep, true, get)
	if apierrors.IsNotFound(err) || wait.Interrupted(err) { // in Kubernetes' words
		err = apierrors.NewNotFound(corev1.Resource("serviceaccount"), name)
	}
	return account, err
}

func automount(pod *corev1.Pod, account *corev1.ServiceAccount) bool {
	for _, wish := range []*bool{pod.Spec.AutomountServiceAccountToken, account.AutomountServiceAccountToken} {
		if wish != nil {
			return *wish
		}
	}
	return true
}

// mountAccount adds the volume and its mounts, but for containers that have
// something else there.
func mountAccount(pod *corev1.Pod) {
	name := ""
	for _, v := range pod.Spec.Volumes {
		if strings.HasPrefix(v.Name, accountVolume) {
			name = v.Name
		}
	}
	made := name == ""
	if made {
		name = names.SimpleNameGenerator.GenerateName(accountVolume)
	}
	used := false
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			c := &containers[i]
			if slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == accountDir }) {
				continue
			}
			c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: accountDir, ReadOnly: true})
			used = true
		}
	}
	if made && used {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Projected: accountFiles()}})
	}
}

func accountFiles() *corev1.ProjectedVolumeSource {
	life, mode := int64(tokenLife), corev1.ProjectedVolumeSourceDefaultMode
	return &corev1.ProjectedVolumeSource{DefaultMode: &mode, Sources: []corev1.VolumeProjection{
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{ExpirationSeconds: &life, Path: "token"}},
		{ConfigMap: &corev1.ConfigMapProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: rootCAs},
			Items:                []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
		}},
		{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{
			Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"},
		}}}},
	}}
}
