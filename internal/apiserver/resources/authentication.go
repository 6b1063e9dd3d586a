package resources

import (
	"context"
	"fmt"
	"slices"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

// authentication is authentication.k8s.io: who is this?
func (b *builder) authentication() served {
	return served{
		"tokenreviews":       ask("tokenreview", b.reviewToken),
		"selfsubjectreviews": ask("selfsubjectreview", reviewSelf),
	}
}

func (b *builder) reviewToken(ctx context.Context, r *authenticationv1.TokenReview) (runtime.Object, error) {
	if errs := validation.TokenReview(r); len(errs) > 0 {
		return nil, apierrors.NewInvalid(authenticationv1.SchemeGroupVersion.WithKind("TokenReview").GroupKind(), "", errs)
	}
	audiences := authenticator.Audiences(r.Spec.Audiences)
	if len(audiences) == 0 {
		audiences = b.Audiences
	}
	response, ok, err := b.Authenticator.AuthenticateToken(authenticator.WithAudiences(ctx, audiences), r.Spec.Token)
	r.Status = authenticationv1.TokenReviewStatus{Authenticated: ok}
	if err != nil {
		r.Status.Error = err.Error()
	}
	if ok && response.User != nil {
		r.Status.User = userInfo(response.User)
		r.Status.Audiences = answered(response.Audiences, audiences, r.Spec.Audiences)
		if len(r.Spec.Audiences) > 0 && len(r.Status.Audiences) == 0 {
			r.Status = authenticationv1.TokenReviewStatus{Error: fmt.Sprintf("token audiences %q is invalid for the target audiences %q", response.Audiences, r.Spec.Audiences)}
		}
	}
	r.Spec.Token = "" // not echoed, lest it end in a log
	return r, nil
}

// answered are the audiences to report: those asked for that the token is
// good for. An authenticator that knows no audiences speaks for the server's own.
func answered(got, target authenticator.Audiences, asked []string) []string {
	if got == nil {
		got = target
	}
	if len(asked) == 0 {
		return got
	}
	var both []string
	for _, a := range asked {
		if slices.Contains(got, a) {
			both = append(both, a)
		}
	}
	return both
}

func reviewSelf(ctx context.Context, r *authenticationv1.SelfSubjectReview) (runtime.Object, error) {
	u, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	r.Status.UserInfo = userInfo(u)
	return r, nil
}

func userInfo(u user.Info) authenticationv1.UserInfo {
	info := authenticationv1.UserInfo{Username: u.GetName(), UID: u.GetUID(), Groups: u.GetGroups()}
	for key, values := range u.GetExtra() {
		if info.Extra == nil {
			info.Extra = map[string]authenticationv1.ExtraValue{}
		}
		info.Extra[key] = values
	}
	return info
}
