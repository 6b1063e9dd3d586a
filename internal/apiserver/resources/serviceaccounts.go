package resources

import (
	"context"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/causeway-access/causeway/internal/apiserver/registry"
	"github.com/causeway-access/causeway/internal/apiserver/validation"
	"github.com/causeway-access/causeway/internal/authn/serviceaccount"
)

// TokenIssuer signs tokens of service accounts.
type TokenIssuer interface {
	Issue(serviceaccount.Request) (serviceaccount.Token, error)
}

func serviceAccounts() *registry.Resource {
	r := registry.Define[corev1.ServiceAccount, corev1.ServiceAccountList](coreV1, "ServiceAccount", "serviceaccounts", "serviceaccount")
	r.Short = []string{"sa"}
	return r
}

func (b *builder) addServiceAccounts(s served) {
	store := b.rest(serviceAccounts())
	if b.err != nil {
		return
	}
	s["serviceaccounts"] = store
	s["serviceaccounts/token"] = &tokenREST{
		accounts: store, issuer: b.Tokens, audiences: b.Audiences,
		bound: map[string]rest.Getter{
			"Pod":    s["pods"].(rest.Getter),
			"Secret": s["secrets"].(rest.Getter),
			"Node":   s["nodes"].(rest.Getter),
		},
	}
}

// tokenREST serves the TokenRequest API (KEP-1205).
type tokenREST struct {
	accounts  *registry.REST
	bound     map[string]rest.Getter
	issuer    TokenIssuer
	audiences []string
}

var (
	_ rest.NamedCreater             = &tokenREST{}
	_ rest.GroupVersionKindProvider = &tokenREST{}
)

// New implements [rest.Storage].
func (*tokenREST) New() runtime.Object { return &authenticationv1.TokenRequest{} }

// Destroy implements [rest.Storage].
func (*tokenREST) Destroy() {}

// GroupVersionKind implements [rest.GroupVersionKindProvider].
func (*tokenREST) GroupVersionKind(schema.GroupVersion) schema.GroupVersionKind {
	return authenticationv1.SchemeGroupVersion.WithKind("TokenRequest")
}

const defaultTokenSeconds = int64(3600)

// Create implements [rest.NamedCreater].
func (r *tokenREST) Create(ctx context.Context, name string, obj runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	request := obj.(*authenticationv1.TokenRequest).DeepCopy()
	if request.Spec.ExpirationSeconds == nil {
		seconds := defaultTokenSeconds
		request.Spec.ExpirationSeconds = &seconds
	}
	if len(request.Spec.Audiences) == 0 {
		request.Spec.Audiences = r.audiences
	}
	if errs := validation.TokenRequest(request); len(errs) > 0 {
		return nil, apierrors.NewInvalid(authenticationv1.SchemeGroupVersion.WithKind("TokenRequest").GroupKind(), name, errs)
	}
	account, err := r.accounts.Get(ctx, name, &metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	request.Name, request.Namespace = name, account.(*corev1.ServiceAccount).Namespace
	if validate != nil {
		if err := validate(ctx, request.DeepCopyObject()); err != nil {
			return nil, err
		}
	}
	signing := serviceaccount.Request{
		Account: account.(*corev1.ServiceAccount), Audiences: request.Spec.Audiences,
		Life: time.Duration(*request.Spec.ExpirationSeconds) * time.Second,
	}
	if err := r.bind(ctx, &signing, request.Spec.BoundObjectRef); err != nil || len(options.DryRun) > 0 {
		return request, err
	}
	token, err := r.issuer.Issue(signing)
	if err != nil {
		return nil, apierrors.NewInternalError(fmt.Errorf("signing a token of service account %s: %w", name, err))
	}
	request.Status = authenticationv1.TokenRequestStatus{Token: token.Token, ExpirationTimestamp: metav1.NewTime(token.Expires)}
	return request, nil
}

// bind finds the object a token is to be bound to and checks that it may be.
func (r *tokenREST) bind(ctx context.Context, signing *serviceaccount.Request, ref *authenticationv1.BoundObjectReference) error {
	if ref == nil {
		return nil
	}
	getter, ok := r.bound[ref.Kind]
	if !ok {
		return apierrors.NewBadRequest(fmt.Sprintf("cannot bind token for serviceaccount %q to object of kind %q: only Pod, Secret and Node", signing.Account.Name, ref.Kind))
	}
	obj, err := getter.Get(ctx, ref.Name, &metav1.GetOptions{})
	if err != nil {
		return err
	}
	if uid := obj.(metav1.Object).GetUID(); ref.UID != "" && ref.UID != uid {
		return apierrors.NewConflict(schema.GroupResource{Resource: ref.Kind}, ref.Name, fmt.Errorf("the UID in the bound object reference (%s) does not match the UID in record. The object might have been deleted and then recreated", ref.UID))
	}
	switch o := obj.(type) {
	case *corev1.Pod:
		return r.bindPod(ctx, signing, o)
	case *corev1.Secret:
		signing.Secret = o
	case *corev1.Node:
		signing.Node = o
	}
	return nil
}

// bindPod adds the pod's node, and refuses a pod that runs under another account.
func (r *tokenREST) bindPod(ctx context.Context, signing *serviceaccount.Request, pod *corev1.Pod) error {
	if pod.Spec.ServiceAccountName != signing.Account.Name {
		return apierrors.NewBadRequest(fmt.Sprintf("cannot bind token for serviceaccount %q to pod running with different serviceaccount name.", signing.Account.Name))
	}
	signing.Pod = pod
	if pod.Spec.NodeName == "" {
		return nil
	}
	node, err := r.bound["Node"].Get(ctx, pod.Spec.NodeName, &metav1.GetOptions{ResourceVersion: "0"})
	if apierrors.IsNotFound(err) {
		return nil // the token outlives no pod, and the pod no node
	}
	if err != nil {
		return err
	}
	signing.Node = node.(*corev1.Node)
	return nil
}
