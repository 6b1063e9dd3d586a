// Package browser has a real browser, Chromium without a window, use real web
// applications through a cluster, as a person does: the address of the
// application's page in the address bar, user and password where the browser
// asks for them, clicks and keys.
//
// The applications are started by the commands of docs/web-applications.md, so
// that what it says of them is what is tested. All of it runs in a network of
// its own (build tag host).
package browser
