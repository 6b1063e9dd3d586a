// Package portforward opens TCP connections to services and pods through a
// Kubernetes API server, by the port-forward protocol of kubectl: a pair of SPDY
// streams for each connection, inside a WebSocket, or inside a connection that
// was upgraded to SPDY where WebSockets do not get through.
//
// Causeway forwards to services by itself. Of another API server the ready pods
// of a service are asked for, at each connection anew, and one is taken.
// dialer.go has the way of a connection. Floor F1.
package portforward
