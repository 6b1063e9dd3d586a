package resources

import (
	"context"
	"errors"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"

	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

// authorization is authorization.k8s.io: may they?
func (b *builder) authorization() served {
	local := ask("localsubjectaccessreview", b.reviewLocalAccess)
	local.namespaced = true
	return served{
		"selfsubjectaccessreviews":  ask("selfsubjectaccessreview", b.reviewSelfAccess),
		"subjectaccessreviews":      ask("subjectaccessreview", b.reviewAccess),
		"localsubjectaccessreviews": local,
		"selfsubjectrulesreviews":   ask("selfsubjectrulesreview", b.reviewSelfRules),
	}
}

func invalidReview(kind string, errs field.ErrorList) error {
	return apierrors.NewInvalid(authorizationv1.SchemeGroupVersion.WithKind(kind).GroupKind(), "", errs)
}

func caller(ctx context.Context) (user.Info, error) {
	u, ok := genericrequest.UserFrom(ctx)
	if !ok {
		return nil, apierrors.NewInternalError(errors.New("no user in the request"))
	}
	return u, nil
}

func (b *builder) reviewSelfAccess(ctx context.Context, r *authorizationv1.SelfSubjectAccessReview) (runtime.Object, error) {
	if errs := validation.SelfSubjectAccessReview(r); len(errs) > 0 {
		return nil, invalidReview("SelfSubjectAccessReview", errs)
	}
	u, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	r.Status = b.decide(ctx, attributes(u, r.Spec.ResourceAttributes, r.Spec.NonResourceAttributes))
	return r, nil
}

func (b *builder) reviewAccess(ctx context.Context, r *authorizationv1.SubjectAccessReview) (runtime.Object, error) {
	if errs := validation.SubjectAccessReview(r); len(errs) > 0 {
		return nil, invalidReview("SubjectAccessReview", errs)
	}
	r.Status = b.decide(ctx, attributes(subject(&r.Spec), r.Spec.ResourceAttributes, r.Spec.NonResourceAttributes))
	return r, nil
}

func (b *builder) reviewLocalAccess(ctx context.Context, r *authorizationv1.LocalSubjectAccessReview) (runtime.Object, error) {
	if errs := validation.LocalSubjectAccessReview(r); len(errs) > 0 {
		return nil, invalidReview("LocalSubjectAccessReview", errs)
	}
	if namespace, _ := genericrequest.NamespaceFrom(ctx); r.Spec.ResourceAttributes != nil && r.Spec.ResourceAttributes.Namespace != namespace {
		return nil, invalidReview("LocalSubjectAccessReview", field.ErrorList{
			field.Invalid(field.NewPath("spec", "resourceAttributes", "namespace"), r.Spec.ResourceAttributes.Namespace, "must match metadata.namespace"),
		})
	}
	r.Status = b.decide(ctx, attributes(subject(&r.Spec), r.Spec.ResourceAttributes, nil))
	return r, nil
}

func (b *builder) reviewSelfRules(ctx context.Context, r *authorizationv1.SelfSubjectRulesReview) (runtime.Object, error) {
	u, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	if r.Spec.Namespace == "" {
		return nil, apierrors.NewBadRequest("no namespace on request")
	}
	resources, others, incomplete, err := b.Rules.RulesFor(ctx, u, r.Spec.Namespace)
	r.Status = authorizationv1.SubjectRulesReviewStatus{
		ResourceRules:    make([]authorizationv1.ResourceRule, 0, len(resources)),
		NonResourceRules: make([]authorizationv1.NonResourceRule, 0, len(others)),
		Incomplete:       incomplete,
	}
	if err != nil {
		r.Status.EvaluationError = err.Error()
	}
	for _, rule := range resources {
		r.Status.ResourceRules = append(r.Status.ResourceRules, authorizationv1.ResourceRule{
			Verbs: rule.GetVerbs(), APIGroups: rule.GetAPIGroups(), Resources: rule.GetResources(), ResourceNames: rule.GetResourceNames(),
		})
	}
	for _, rule := range others {
		r.Status.NonResourceRules = append(r.Status.NonResourceRules, authorizationv1.NonResourceRule{
			Verbs: rule.GetVerbs(), NonResourceURLs: rule.GetNonResourceURLs(),
		})
	}
	return r, nil
}

func (b *builder) decide(ctx context.Context, a authorizer.Attributes) authorizationv1.SubjectAccessReviewStatus {
	decision, reason, err := b.Authorizer.Authorize(ctx, a)
	status := authorizationv1.SubjectAccessReviewStatus{
		Allowed: decision == authorizer.DecisionAllow,
		Denied:  decision == authorizer.DecisionDeny,
		Reason:  reason,
	}
	if err != nil {
		status.EvaluationError = err.Error()
	}
	return status
}

func subject(spec *authorizationv1.SubjectAccessReviewSpec) user.Info {
	u := &user.DefaultInfo{Name: spec.User, UID: spec.UID, Groups: spec.Groups}
	for key, values := range spec.Extra {
		if u.Extra == nil {
			u.Extra = map[string][]string{}
		}
		u.Extra[key] = values
	}
	return u
}

func attributes(u user.Info, resource *authorizationv1.ResourceAttributes, other *authorizationv1.NonResourceAttributes) authorizer.Attributes {
	if resource == nil {
		return authorizer.AttributesRecord{User: u, Verb: other.Verb, Path: other.Path}
	}
	version := resource.Version
	if version == "" {
		version = "*"
	}
	return authorizer.AttributesRecord{
		User: u, Verb: resource.Verb, Namespace: resource.Namespace,
		APIGroup: resource.Group, APIVersion: version, Resource: resource.Resource,
		Subresource: resource.Subresource, Name: resource.Name, ResourceRequest: true,
	}
}
