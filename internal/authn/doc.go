// Package authn answers who asks (floor F1), for the API server and the gateway
// alike.
//
// [New] builds one [Authenticator] from a list: client certificates, users and
// passwords, static tokens, service account tokens, bootstrap tokens, OpenID
// Connect, and anonymous for the health paths alone. A credential that is given
// but wrong is an error, which callers answer with 401; it never turns into
// anonymous. A header that authenticated is removed from the request, so that no
// backend sees it; one that did not is left alone, since it may belong to the
// application behind a service.
//
// The kinds that need state are packages of their own: serviceaccount issues and
// verifies tokens, htpasswd checks passwords, bootstrap looks up join tokens,
// oidc follows external issuers, reload keeps files current.
package authn
