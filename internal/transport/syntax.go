package transport

// tokens and texts are the bytes of field names and of field values (RFC 9110,
// section 5): a value has no control character but the tab.
var tokens, texts = func() (name, value [256]bool) {
	for _, c := range "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" {
		name[c] = true
	}
	for c := range value {
		value[c] = c >= ' ' && c != 0x7f || c == '\t'
	}
	return name, value
}()

// isToken reports whether s is a token, as methods and field names are.
func isToken(s string) bool {
	for i := range len(s) {
		if !tokens[s[i]] {
			return false
		}
	}
	return s != ""
}

// isText reports whether s may be a field value.
func isText(s string) bool {
	for i := range len(s) {
		if !texts[s[i]] {
			return false
		}
	}
	return true
}

// trim removes the white space that HTTP allows around a value.
func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// decimal reads a number without a sign; false for anything else, and for what
// is too large to be a length.
func decimal(s string) (int64, bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	var n int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}
