package route

// ParseForward reads the escaped path of a request for the port-forward
// protocol: /api/v1/namespaces/{ns}/{pods,services}/{name}/portforward. The
// Target's name is the whole segment, and it has no port: that comes with each
// stream. It reports false for any other path.
//
// On services the subresource is Causeway's own; on pods it is Kubernetes'.
func ParseForward(path string) (Target, bool) {
	c := cursor{rest: path}
	if c.next() != "api" || c.next() != "v1" || c.next() != "namespaces" {
		return Target{}, false
	}
	t := Target{Namespace: c.next()}
	if !t.setResource(c.next(), false) || t.Resource == Nodes {
		return Target{}, false
	}
	t.Segment = c.next()
	t.Name = t.Segment
	if c.next() != "portforward" || c.bad || c.rest != "" {
		return Target{}, false
	}
	t.Prefix = path
	return t, true
}
