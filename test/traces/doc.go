// Package traces says what pods leave on a machine: namespaces, mounts, network
// interfaces, routes, rules, control groups, files and processes. A test looks
// before and after, and compares.
package traces
