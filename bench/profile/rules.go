package profile

import (
	"slices"
	"strings"
)

// rule names the time of stacks that have a function of each group: one whose
// name contains one of the group's words.
type rule struct {
	name   string
	groups [][]string
}

func (r rule) matches(stack []string) bool {
	for _, words := range r.groups {
		if !slices.ContainsFunc(stack, func(function string) bool { return containsAny(function, words) }) {
			return false
		}
	}
	return true
}

func containsAny(s string, words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(s, word) })
}

// nameOf says what a stack's time was spent for.
func nameOf(stack []string) string {
	for _, r := range rules() {
		if r.matches(stack) {
			return r.name
		}
	}
	for _, function := range stack {
		for _, l := range layers() {
			if l.matches([]string{function}) {
				return l.name
			}
		}
	}
	return other
}

// rules are tried first, in this order.
func rules() []rule {
	kernel := []string{"linux.Syscall6", "syscall.RawSyscall"}
	of := func(words ...string) []string { return words }
	return []rule{
		{"kernel: wait for connections (epoll)", [][]string{of("EpollWait", "runtime.netpoll")}},
		{"kernel: wake and park threads (futex)", [][]string{of("runtime.futex", "runtime.usleep")}},
		{"kernel: read from the client", [][]string{kernel, of("syscall.read"), of("crypto/tls")}},
		{"kernel: write to the client", [][]string{kernel, of("syscall.write"), of("crypto/tls")}},
		{"kernel: read from the backend", [][]string{kernel, of("syscall.read"), of(ours + "transport")}},
		{"kernel: write to the backend", [][]string{kernel, of("syscall.write"), of(ours + "transport")}},
		{"kernel: other", [][]string{kernel}},
		{"allocation and garbage collection", [][]string{of("runtime.gc", "runtime.mallocgc", "runtime.bgsweep", "runtime.bgscavenge",
			"runtime.growslice", "runtime.wbBuf", "runtime.scanobject", "runtime.scanObject")}},
	}
}

// layers are what other time is spent for: the innermost function that is of
// one of them decides. They stand in the order of a request's way.
func layers() []rule {
	of := func(words ...string) [][]string { return [][]string{words} }
	return []rule{
		{"TLS records", of("crypto/tls.")},
		{"HTTP/1.1: read the request", of("h1.(*conn).next", "h1.(*conn).begin", "h1.(*exchange)", "h1.headEnd", "h1.nameOf", "h1.(*conn).newExchange",
			"http.(*conn).readRequest", "http.(*connReader)", "http.(*Request)", "http.readRequest")},
		{"parse the URL", of(ours + "route")},
		{"authenticate", of("Gateway).authenticate", ours+"authn", "apiserver/pkg/authentication")},
		{"limits of callers", of("gateway.(*limits)")},
		{"authorise", of("Gateway).authorize", ours+"authz", "apiserver/pkg/authorization")},
		{"resolve", of(ours + "catalog")},
		{"pick an endpoint", of(ours + "endpoint")},
		{"rewrite", of(ours + "rewrite")},
		{"exchange with the backend", of(ours + "transport")},
		{"HTTP/1.1: write the answer", of("h1.(*response)", "h1.append", "h1.names", "h1.(*conn).emit", "h1.(*conn).send", "http.(*response)", "http.(*chunkWriter)", "http.Header.write", "http.Header.sorted")},
		{"audit event, access line, metrics", of(ours+"observe", "apiserver/pkg/audit", "plugin/pkg/audit")},
		{"gateway, the rest", of(ours + "gateway")},
		{"HTTP/2", of(ours+"engine/h2", "http2", "hpack")},
		{"HTTP/1.1, the rest", of(ours+"engine", "net/http.(")},
		{"Go's scheduler", of("runtime.schedule", "runtime.mcall", "runtime.park_m", "runtime.goready", "runtime.findRunnable",
			"runtime.mstart", "runtime.sysmon")},
	}
}

const (
	ours  = "causeway/internal/"
	other = "other"
)
