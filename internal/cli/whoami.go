package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/causeway-access/causeway/internal/kubeconfig"
)

// anonymous is the user of a request without a valid credential, where the
// server lets such requests in.
const anonymous = "system:anonymous"

// errNotTaken says that the server did not recognise a credential.
var errNotTaken = errors.New("the credential was not taken")

// whoAmI asks the server of the entry as whom it sees its credential.
func whoAmI(ctx context.Context, e kubeconfig.Entry) (string, error) {
	config, err := clientcmd.NewDefaultClientConfig(*e.Config(), nil).ClientConfig()
	if err != nil {
		return "", err
	}
	config.Timeout = loginPatience
	client, err := kubernetes.NewForConfig(withUserAgent("causeway")(config))
	if err != nil {
		return "", err
	}
	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	switch {
	case apierrors.IsUnauthorized(err):
		return "", errNotTaken
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		return whoMayRead(ctx, client)
	case err != nil:
		return "", err
	}
	user := review.Status.UserInfo
	if user.Username == anonymous {
		return "", errNotTaken
	}
	if len(user.Groups) == 0 {
		return user.Username, nil
	}
	return fmt.Sprintf("%s, of %s", user.Username, strings.Join(user.Groups, ", ")), nil
}

// whoMayRead is for servers before Kubernetes 1.28, which do not say who one
// is: that one may list the API's versions has to do.
func whoMayRead(ctx context.Context, client kubernetes.Interface) (string, error) {
	err := client.CoreV1().RESTClient().Get().AbsPath("/api").Do(ctx).Error()
	if apierrors.IsUnauthorized(err) || apierrors.IsForbidden(err) {
		return "", errNotTaken
	}
	return "somebody whose name this server does not tell", err
}

// notTaken says which credential it was that the server did not take.
func notTaken(err error, what string) error {
	if errors.Is(err, errNotTaken) {
		return fmt.Errorf("the server does not know this %s; nothing was written", what)
	}
	return err
}
