package validation_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

func TestTokenRequestLastsWithinBounds(t *testing.T) {
	at := []string{invalid + " spec.expirationSeconds"}
	for name, c := range map[string]struct {
		seconds *int64
		want    []string
	}{
		"unsaid":             {nil, []string{required + " spec.expirationSeconds"}},
		"599 seconds":        {ptr.To[int64](599), at},
		"600 seconds":        {ptr.To[int64](600), nil},
		"2^32 seconds":       {ptr.To[int64](1 << 32), nil},
		"more than 2^32":     {ptr.To[int64](1<<32 + 1), at},
		"less than no time ": {ptr.To[int64](-1), at},
	} {
		t.Run(name, func(t *testing.T) {
			r := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: c.seconds}}
			if diff := cmp.Diff(c.want, found(validation.TokenRequest(r))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTokenReviewNeedsAToken(t *testing.T) {
	r := &authenticationv1.TokenReview{}
	if diff := cmp.Diff([]string{required + " spec.token"}, found(validation.TokenReview(r))); diff != "" {
		t.Error(diff)
	}
	r.Spec.Token = "t"
	if errs := validation.TokenReview(r); len(errs) > 0 {
		t.Error(errs)
	}
}

func TestScaleIsNotNegative(t *testing.T) {
	s := &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "default"}}
	if errs := validation.Scale(s); len(errs) > 0 {
		t.Error(errs)
	}
	s.Spec.Replicas = -1
	if diff := cmp.Diff([]string{invalid + " spec.replicas"}, found(validation.Scale(s))); diff != "" {
		t.Error(diff)
	}
}

func TestAccessReviewAsksOneThing(t *testing.T) {
	resource := &authorizationv1.ResourceAttributes{Verb: "get", Resource: "pods", Namespace: "default"}
	other := &authorizationv1.NonResourceAttributes{Verb: "get", Path: "/healthz"}
	selected := func(s authorizationv1.FieldSelectorAttributes) *authorizationv1.ResourceAttributes {
		return &authorizationv1.ResourceAttributes{Verb: "list", Resource: "pods", FieldSelector: &s}
	}
	const fields = " spec.resourceAttributes.fieldSelector."
	for name, c := range map[string]struct {
		meta metav1.ObjectMeta
		spec authorizationv1.SubjectAccessReviewSpec
		want []string
	}{
		"a resource":   {spec: authorizationv1.SubjectAccessReviewSpec{User: "jane", ResourceAttributes: resource}},
		"another path": {spec: authorizationv1.SubjectAccessReviewSpec{Groups: []string{"g"}, NonResourceAttributes: other}},
		"both":         {spec: authorizationv1.SubjectAccessReviewSpec{User: "jane", ResourceAttributes: resource, NonResourceAttributes: other}, want: []string{invalid + " spec.nonResourceAttributes"}},
		"neither":      {spec: authorizationv1.SubjectAccessReviewSpec{User: "jane"}, want: []string{invalid + " spec.resourceAttributes"}},
		"nobody":       {spec: authorizationv1.SubjectAccessReviewSpec{ResourceAttributes: resource}, want: []string{invalid + " spec.user"}},
		"with a name":  {meta: metav1.ObjectMeta{Name: "a"}, spec: authorizationv1.SubjectAccessReviewSpec{User: "jane", ResourceAttributes: resource}, want: []string{invalid + " metadata"}},
		"a selection":  {spec: authorizationv1.SubjectAccessReviewSpec{User: "jane", ResourceAttributes: selected(authorizationv1.FieldSelectorAttributes{RawSelector: "a=b"})}},
		"an empty one": {spec: authorizationv1.SubjectAccessReviewSpec{User: "jane", ResourceAttributes: selected(authorizationv1.FieldSelectorAttributes{})}, want: []string{required + fields + "requirements"}},
		"a selection twice": {spec: authorizationv1.SubjectAccessReviewSpec{User: "jane", ResourceAttributes: selected(authorizationv1.FieldSelectorAttributes{
			RawSelector: "a=b", Requirements: []metav1.FieldSelectorRequirement{{Key: "a", Operator: "Exists"}}})}, want: []string{invalid + fields + "rawSelector"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := &authorizationv1.SubjectAccessReview{ObjectMeta: c.meta, Spec: c.spec}
			if diff := cmp.Diff(c.want, found(validation.SubjectAccessReview(r))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLocalAccessReviewStaysInItsNamespace(t *testing.T) {
	r := &authorizationv1.LocalSubjectAccessReview{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default"},
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User: "jane", ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "get", Resource: "pods", Namespace: "default"},
		},
	}
	if errs := validation.LocalSubjectAccessReview(r); len(errs) > 0 {
		t.Error(errs)
	}
	r.Spec.ResourceAttributes.Namespace = "other"
	if diff := cmp.Diff([]string{invalid + " spec.resourceAttributes.namespace"}, found(validation.LocalSubjectAccessReview(r))); diff != "" {
		t.Error(diff)
	}
	r.Spec.ResourceAttributes, r.Spec.NonResourceAttributes = nil, &authorizationv1.NonResourceAttributes{}
	if diff := cmp.Diff([]string{invalid + " spec.nonResourceAttributes"}, found(validation.LocalSubjectAccessReview(r))); diff != "" {
		t.Error(diff)
	}
}

func TestSelfAccessReviewAsksOneThing(t *testing.T) {
	r := &authorizationv1.SelfSubjectAccessReview{}
	if diff := cmp.Diff([]string{invalid + " spec.resourceAttributes"}, found(validation.SelfSubjectAccessReview(r))); diff != "" {
		t.Error(diff)
	}
}
