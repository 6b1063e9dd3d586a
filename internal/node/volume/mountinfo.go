package volume

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// parseMounts reads the form of /proc/PID/mountinfo (proc_pid_mountinfo(5)) and
// returns the mount points at dir and below, the deepest first. A place where
// several are stacked is there as often.
func parseMounts(text, dir string) []string {
	var found []string
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		if at := unescape(fields[4]); at == dir || strings.HasPrefix(at, strings.TrimSuffix(dir, "/")+"/") {
			found = append(found, at)
		}
	}
	slices.SortStableFunc(found, func(a, b string) int {
		return cmp.Compare(strings.Count(b, "/"), strings.Count(a, "/"))
	})
	return found
}

// unescape undoes \040 and the like.
func unescape(text string) string {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, `\`)
		out.WriteString(before)
		if !found {
			return out.String()
		}
		text = after
		if len(after) >= 3 {
			if code, err := strconv.ParseUint(after[:3], 8, 8); err == nil {
				out.WriteByte(byte(code))
				text = after[3:]
				continue
			}
		}
		out.WriteByte('\\')
	}
}
