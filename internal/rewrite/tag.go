package rewrite

import (
	"bytes"
	"html"
	"strings"
)

// shape is how an attribute holds URLs.
type shape uint8

const (
	none   shape = iota
	single       // one URL
	set          // URLs with descriptors, separated by commas (srcset)
)

// attributes are those that hold URLs, by tag.
var attributes = map[string]map[string]shape{
	"a":          {"href": single},
	"applet":     {"codebase": single},
	"area":       {"href": single},
	"audio":      {"src": single},
	"base":       {"href": single},
	"blockquote": {"cite": single},
	"body":       {"background": single},
	"button":     {"formaction": single},
	"command":    {"icon": single},
	"del":        {"cite": single},
	"embed":      {"src": single},
	"form":       {"action": single},
	"frame":      {"src": single, "longdesc": single},
	"head":       {"profile": single},
	"html":       {"manifest": single},
	"iframe":     {"src": single, "longdesc": single},
	"img":        {"src": single, "srcset": set, "longdesc": single, "usemap": single},
	"input":      {"src": single, "formaction": single, "usemap": single},
	"ins":        {"cite": single},
	"link":       {"href": single, "imagesrcset": set},
	"meta":       {}, // see refreshes
	"object":     {"data": single, "classid": single, "codebase": single, "usemap": single},
	"q":          {"cite": single},
	"script":     {"src": single},
	"source":     {"src": single, "srcset": set},
	"track":      {"src": single},
	"use":        {"href": single, "xlink:href": single},
	"video":      {"src": single, "poster": single},
}

// tag returns a start tag with its URLs changed, or the same bytes.
func (r *Rules) tag(raw []byte) []byte {
	end := 1
	for end < len(raw) && !space(raw[end]) && raw[end] != '/' && raw[end] != '>' {
		end++
	}
	shapes, known := attributes[strings.ToLower(string(raw[1:end]))]
	if !known {
		return raw
	}
	refresh := len(shapes) == 0 && refreshes(raw, end)
	var out []byte
	copied := 0
	for a := (attribute{next: end}); a.scan(raw); {
		was := html.UnescapeString(string(raw[a.value:a.end]))
		now := was
		switch kind := shapes[strings.ToLower(string(raw[a.name:a.nameEnd]))]; {
		case refresh && strings.EqualFold(string(raw[a.name:a.nameEnd]), "content"):
			now = r.refresh(was)
		case kind == single:
			now = r.reference(was)
		case kind == set:
			now = r.sourceSet(was)
		}
		if now == was {
			continue
		}
		out = append(out, raw[copied:a.value]...)
		if a.quote == 0 {
			out = append(out, '"')
		}
		out = append(out, html.EscapeString(now)...)
		if a.quote == 0 {
			out = append(out, '"')
		}
		copied = a.end
	}
	if out == nil {
		return raw
	}
	return append(out, raw[copied:]...)
}

// reference changes a URL in an attribute, where space around it means nothing.
func (r *Rules) reference(value string) string {
	trimmed := strings.Trim(value, " \t\r\n\f")
	if changed := r.URL(trimmed); changed != trimmed {
		return changed
	}
	return value
}

// sourceSet changes the URLs of "a.png 1x, /b.png 2x". A URL ends at a space,
// and commas inside of it belong to it.
func (r *Rules) sourceSet(value string) string {
	var b strings.Builder
	rest := value
	for rest != "" {
		start := 0
		for start < len(rest) && (space(rest[start]) || rest[start] == ',') {
			start++
		}
		b.WriteString(rest[:start])
		rest = rest[start:]
		end := 0
		for end < len(rest) && !space(rest[end]) {
			end++
		}
		url := strings.TrimRight(rest[:end], ",")
		b.WriteString(r.URL(url))
		rest = rest[len(url):]
		if comma := strings.IndexByte(rest, ','); comma >= 0 {
			b.WriteString(rest[:comma])
			rest = rest[comma:]
		} else {
			b.WriteString(rest)
			rest = ""
		}
	}
	return b.String()
}

// refreshes reports whether a meta tag is one of http-equiv="refresh".
func refreshes(raw []byte, from int) bool {
	for a := (attribute{next: from}); a.scan(raw); {
		if bytes.EqualFold(raw[a.name:a.nameEnd], []byte("http-equiv")) {
			return bytes.EqualFold(bytes.TrimSpace(raw[a.value:a.end]), []byte("refresh"))
		}
	}
	return false
}

// attribute is the place of one attribute in a tag.
type attribute struct {
	name, nameEnd int
	value, end    int // of the value, without quotes
	quote         byte
	next          int // where the one after it begins
}

// scan moves to the next attribute, by the rules of the HTML standard's
// tokenizer (section 13.2.5.32 and on).
func (a *attribute) scan(raw []byte) bool {
	i := a.next
	for i < len(raw) && (space(raw[i]) || raw[i] == '/') {
		i++
	}
	if i >= len(raw) || raw[i] == '>' {
		return false
	}
	*a = attribute{name: i}
	i++ // a name may begin with "="
	for i < len(raw) && !space(raw[i]) && raw[i] != '/' && raw[i] != '>' && raw[i] != '=' {
		i++
	}
	a.nameEnd = i
	for i < len(raw) && space(raw[i]) {
		i++
	}
	if i >= len(raw) || raw[i] != '=' {
		a.value, a.end, a.next = a.nameEnd, a.nameEnd, max(a.nameEnd, i)
		return true
	}
	i++
	for i < len(raw) && space(raw[i]) {
		i++
	}
	a.scanValue(raw, i)
	return true
}

// scanValue reads the value that begins at i.
func (a *attribute) scanValue(raw []byte, i int) {
	if i < len(raw) && (raw[i] == '"' || raw[i] == '\'') {
		a.quote = raw[i]
		a.value = i + 1
		a.end = len(raw)
		if n := bytes.IndexByte(raw[a.value:], a.quote); n >= 0 {
			a.end = a.value + n
		}
		a.next = min(a.end+1, len(raw))
		return
	}
	a.value = i
	for i < len(raw) && !space(raw[i]) && raw[i] != '>' {
		i++
	}
	a.end, a.next = i, i
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }
