package join

import (
	"context"
	"fmt"
	"strings"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/causeway-access/causeway/internal/node/register"
)

// awaitServing tells what to do if the certificate of the node's own API does
// not come: the rules by which it is approved leave some to people.
func (cfg *Config) awaitServing(ctx context.Context, keys *register.Keys) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(hintAfter):
	}
	if _, err := keys.GetCertificate(nil); err == nil {
		return
	}
	var names []string
	if client, err := kubernetes.NewForConfig(keys.REST()); err == nil {
		names = waiting(ctx, client, cfg.Name)
	}
	cfg.Log.Warn(servingHint(names), "node", cfg.Name)
}

// waiting are the names of the node's requests that nobody has decided on; none
// if that is not to be found out.
func waiting(ctx context.Context, client kubernetes.Interface, node string) (names []string) {
	const listTime = 15 * time.Second
	ctx, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	list, err := client.CertificatesV1().CertificateSigningRequests().List(ctx, metav1.ListOptions{
		FieldSelector: "spec.signerName=" + certificatesv1.KubeletServingSignerName,
	})
	if err != nil {
		return nil
	}
	for i := range list.Items {
		if csr := &list.Items[i]; csr.Spec.Username == "system:node:"+node && len(csr.Status.Conditions) == 0 {
			names = append(names, csr.Name)
		}
	}
	return names
}

// servingHint says what an administrator has to type.
func servingHint(names []string) string {
	approve := "causeway kubectl certificate approve NAME"
	if len(names) > 0 {
		approve = "causeway kubectl certificate approve " + strings.Join(names, " ")
	}
	return fmt.Sprintf("Logs, exec and port-forward wait for the certificate of the node's own API, which nobody has approved; an administrator sees why by %q, and approves it by %q. A node at the address of an API server is approved at once with --tunnel",
		"causeway kubectl get events --field-selector involvedObject.kind=CertificateSigningRequest", approve)
}
