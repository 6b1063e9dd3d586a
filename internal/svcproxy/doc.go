// Package svcproxy says what becomes of what is sent to a service's cluster
// IP: a [Rule] for each address, protocol and port that a service has, with the
// endpoints it leads to now. It is what all ways of proxying services share;
// each of them is a sub-package, and decides nothing about services:
//
//   - userspace needs no help of the kernel's packet filters, and works
//     wherever pods have a network.
//
// A [Table] makes rules of Services and EndpointSlices, and tells what has
// changed. Floor 1.
//
// # What is in a rule
//
//   - Cluster IPs of services of type ClusterIP, NodePort and LoadBalancer, in
//     each family that they have, with endpoints of the same family. Headless
//     services and those of type ExternalName have no rules, nor those that are
//     left to another proxy (label service.kubernetes.io/service-proxy-name).
//   - Endpoints that are ready; if there is none, those that are terminating
//     and still serve. With publishNotReadyAddresses every one is ready.
//   - With internalTrafficPolicy Local, those of this node alone. A service that
//     has none here is, to this node, a service without endpoints.
//   - sessionAffinity ClientIP with its timeout.
//
// A rule without endpoints is one all the same: what is sent there is refused.
//
// Node ports, externalIPs and addresses of load balancers are not here yet,
// nor are hints about zones: an endpoint is chosen in any zone.
package svcproxy
