package rewrite

import "strings"

// refreshed rewrites the URL of a Refresh header.
func (r *Rules) refreshed(value string) string {
	start, end := refreshURL(value)
	return value[:start] + r.URL(value[start:end]) + value[end:]
}

// refreshURL returns where the URL is in a Refresh header or its meta element:
// "5; url=/next", with or without quotes (HTML Standard, shared declarative
// refresh steps). Without a URL the place is empty.
func refreshURL(value string) (start, end int) {
	i := skipSpace(value, 0)
	digits := i
	for i < len(value) && ('0' <= value[i] && value[i] <= '9' || value[i] == '.') {
		i++
	}
	if i == digits || i == len(value) || !space(value[i]) && value[i] != ';' && value[i] != ',' {
		return 0, 0
	}
	if i = skipSpace(value, i); i < len(value) && (value[i] == ';' || value[i] == ',') {
		i = skipSpace(value, i+1)
	}
	start, end = skipName(value, i), len(value)
	if start < end && (value[start] == '\'' || value[start] == '"') {
		quote := value[start]
		start++
		if n := strings.IndexByte(value[start:], quote); n >= 0 {
			end = start + n
		}
	}
	return start, end
}

// skipName returns where the URL begins if "url=" may stand before it.
func skipName(value string, i int) int {
	if len(value)-i < 3 || !strings.EqualFold(value[i:i+3], "url") {
		return i
	}
	equals := skipSpace(value, i+3)
	if equals == len(value) || value[equals] != '=' {
		return i
	}
	return skipSpace(value, equals+1)
}

func skipSpace(value string, i int) int {
	for i < len(value) && space(value[i]) {
		i++
	}
	return i
}

// space reports whether c is what HTML takes for white space.
func space(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }
