package validation

import (
	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// How long a token may be asked to last, in seconds.
const (
	minRequestSeconds = 10 * 60
	maxRequestSeconds = 1 << 32
)

// TokenRequest checks what is asked of an account's token, after defaulting.
func TokenRequest(r *authenticationv1.TokenRequest) field.ErrorList {
	p := field.NewPath("spec", "expirationSeconds")
	switch seconds := r.Spec.ExpirationSeconds; {
	case seconds == nil:
		return field.ErrorList{field.Required(p, "")}
	case *seconds < minRequestSeconds:
		return field.ErrorList{field.Invalid(p, *seconds, "may not specify a duration less than 10 minutes")}
	case *seconds > maxRequestSeconds:
		return field.ErrorList{field.Invalid(p, *seconds, "may not specify a duration larger than 2^32 seconds")}
	}
	return nil
}

// TokenReview requires a token to review.
func TokenReview(r *authenticationv1.TokenReview) field.ErrorList {
	if r.Spec.Token == "" {
		return field.ErrorList{field.Required(field.NewPath("spec", "token"), "token is required for TokenReview in authentication")}
	}
	return nil
}
