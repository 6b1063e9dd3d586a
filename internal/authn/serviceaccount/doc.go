// Package serviceaccount issues and verifies the tokens of service accounts
// (floor F1): JSON Web Tokens (RFC 7519) with the claims of Kubernetes
// (KEP-1205, KEP-4193).
//
// [OpenKeys] holds the signing keys in a directory and rotates them. [New] makes
// [Tokens], which issues for the TokenRequest endpoint ([Tokens.Issue]) and for
// Secrets of type kubernetes.io/service-account-token ([Tokens.IssueLegacy]),
// and verifies both as an authenticator.Token. [Tokens.Discovery] serves the
// OpenID documents with which others verify the tokens by themselves.
//
// A token is good while the account exists with the same UID, and so does the
// pod, Secret or node that it is bound to; there is no list of revoked tokens.
package serviceaccount
