// Package svcproxy says what becomes of what is sent to a service's cluster
// IP or node port: a [Rule] for each address, protocol and port that a service
// has, with the endpoints it leads to now. It is what all ways of proxying
// services share; each of them is a sub-package, and decides nothing about
// services:
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
//   - Node ports of IPv4, where a service has them, under the unspecified address.
//   - Endpoints that are ready; if there is none, those that are terminating
//     and still serve. With publishNotReadyAddresses every one is ready.
//   - With internalTrafficPolicy Local, those of this node alone; for node ports
//     that is externalTrafficPolicy Local. A service that has none here is, to
//     this node, a service without endpoints.
//   - sessionAffinity ClientIP with its timeout.
//
// A rule without endpoints is one all the same: what is sent there is refused.
//
// There are none for externalIPs, by which who makes a service could take what
// is sent to any address (CVE-2020-8554), nor for addresses of load balancers,
// and no hints about zones: an endpoint is chosen in any zone.
package svcproxy
