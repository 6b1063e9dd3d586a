// Package certs is the cluster's own certificate authority (floor F1).
//
// An [Authority] lives in a directory as ca.crt and ca.key. It issues leaf
// certificates with fresh keys ([Authority.Issue]) and signs requests for keys
// that somebody else holds ([Authority.SignRequest]). [Keep] holds one leaf on
// disk and renews it before it expires, also while the program runs, so that no
// operator ever has to think of the day when a certificate ends.
//
// Keys are ECDSA P-256. Authorities live 10 years, leaves 1 year unless asked
// otherwise. Files are written whole or not at all, and for their owner alone.
// What cannot be read, does not belong together or is out of its time is an
// error that says what to do; an existing file of the authority is never
// overwritten.
package certs
