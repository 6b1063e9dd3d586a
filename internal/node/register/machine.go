package register

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// machine is what does not change while the agent runs.
type machine struct {
	cpus   int64
	memory int64 // bytes
	disk   int64 // bytes
	info   corev1.NodeSystemInfo
}

// parseMemory reads /proc/meminfo: the total and what programs could still
// get, in bytes.
func parseMemory(text []byte) (total, available int64, err error) {
	fields := map[string]*int64{"MemTotal": &total, "MemAvailable": &available}
	found := 0
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		target := fields[name]
		if target == nil {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil || kib < 0 || kib > math.MaxInt64>>10 {
			return 0, 0, fmt.Errorf("%s is %q, not an amount", name, rest)
		}
		*target = kib << 10
		found++
	}
	if found < len(fields) {
		return 0, 0, fmt.Errorf("it lacks MemTotal or MemAvailable")
	}
	return total, available, nil
}

// parseProcesses reads /proc/loadavg, whose fourth field is RUNNING/ALL, and
// returns ALL: the threads there are.
func parseProcesses(text []byte) (int64, error) {
	fields := strings.Fields(string(text))
	if len(fields) < 4 {
		return 0, fmt.Errorf("it is %q, without a count of processes", text)
	}
	_, all, _ := strings.Cut(fields[3], "/")
	count, err := strconv.ParseInt(all, 10, 64)
	if err != nil || count < 0 {
		return 0, fmt.Errorf("its count of processes is %q", fields[3])
	}
	return count, nil
}

// parseRelease reads /etc/os-release (os-release(5)) and returns the name that
// is for people.
func parseRelease(text []byte) string {
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		value, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "PRETTY_NAME=")
		if !ok {
			continue
		}
		if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
			value = value[1 : n-1]
		}
		return strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\$`, `$`, "\\`", "`").Replace(value)
	}
	return ""
}
