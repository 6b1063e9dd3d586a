package rewrite

import (
	"html"
	"io"
	"strings"
)

// shape is how the value of an attribute holds URLs.
type shape uint8

const (
	none    shape = iota
	single        // one URL
	set           // URLs with descriptors, separated by commas (srcset)
	base          // one URL, to which the page's others are relative
	equiv         // none, but it says whether the other one of the tag has one
	delayed       // a time and a URL, if equiv says so
)

// attribute is one that may hold URLs.
type attribute struct {
	name  string
	holds shape
}

// maxAttributes is the most that one tag has of them.
const maxAttributes = 4

// attributes are those that may hold URLs, by tag.
var attributes = map[string][]attribute{
	"a":          {{"href", single}},
	"applet":     {{"codebase", single}},
	"area":       {{"href", single}},
	"audio":      {{"src", single}},
	"base":       {{"href", base}},
	"blockquote": {{"cite", single}},
	"body":       {{"background", single}},
	"button":     {{"formaction", single}},
	"command":    {{"icon", single}},
	"del":        {{"cite", single}},
	"embed":      {{"src", single}},
	"form":       {{"action", single}},
	"frame":      {{"src", single}, {"longdesc", single}},
	"head":       {{"profile", single}},
	"html":       {{"manifest", single}},
	"iframe":     {{"src", single}, {"longdesc", single}},
	"image":      {{"src", single}, {"srcset", set}, {"longdesc", single}, {"usemap", single}}, // browsers read img
	"img":        {{"src", single}, {"srcset", set}, {"longdesc", single}, {"usemap", single}},
	"input":      {{"src", single}, {"formaction", single}, {"usemap", single}},
	"ins":        {{"cite", single}},
	"link":       {{"href", single}, {"imagesrcset", set}},
	"meta":       {{"http-equiv", equiv}, {"content", delayed}},
	"object":     {{"data", single}, {"classid", single}, {"codebase", single}, {"usemap", single}},
	"q":          {{"cite", single}},
	"script":     {{"src", single}},
	"source":     {{"src", single}, {"srcset", set}},
	"track":      {{"src", single}},
	"use":        {{"href", single}, {"xlink:href", single}},
	"video":      {{"src", single}, {"poster", single}},
}

// value writes the value of an attribute: its bytes as they are in the tag,
// but for what is replaced.
type value struct {
	raw, text string // as it is in the tag, and with its references resolved
	plain     bool   // the two are the same
	dst       io.Writer
	piece     []byte // what is written, since few writers take strings
	copied    int    // of raw
	rawAt     int    // a place in raw, and the same one in text
	textAt    int
	err       error
}

// reset begins a value, and keeps what was allocated for the last one.
func (v *value) reset(dst io.Writer, raw string) {
	*v = value{raw: raw, text: unescape(raw), plain: strings.IndexByte(raw, '&') < 0, dst: dst, piece: v.piece}
}

// replace writes all before from, and head instead of what is until to. The
// two are places in text; each call's are behind the last one's. An empty head
// replaces nothing.
func (v *value) replace(from, to int, head string) {
	if head == "" {
		return
	}
	v.write(v.raw[v.copied:v.offset(from)])
	v.write(html.EscapeString(head))
	v.copied = v.offset(to)
}

// rest writes what is left of the value.
func (v *value) rest() error {
	v.write(v.raw[v.copied:])
	return v.err
}

func (v *value) write(s string) {
	if v.err == nil && s != "" {
		v.piece = append(v.piece[:0], s...)
		_, v.err = v.dst.Write(v.piece)
	}
}

// offset returns the place in raw of a place in text.
func (v *value) offset(at int) int {
	if v.plain {
		return at
	}
	for v.textAt < at && v.rawAt < len(v.raw) {
		text, n := character(v.raw[v.rawAt:])
		v.rawAt += n
		v.textAt += len(text)
	}
	return v.rawAt
}

// sourceSet replaces the URLs of "a.png 1x, /b.png 2x". A URL ends at a space,
// and commas inside of it belong to it (HTML Standard, parsing a srcset
// attribute).
func (p *page) sourceSet(v *value) {
	for i := 0; ; {
		for i < len(v.text) && (space(v.text[i]) || v.text[i] == ',') {
			i++
		}
		start := i
		for i < len(v.text) && !space(v.text[i]) {
			i++
		}
		if start == i {
			return
		}
		url := strings.TrimRight(v.text[start:i], ",")
		from, to, head := p.lead(url)
		v.replace(start+from, start+to, head)
		if len(url) == i-start {
			i = skipDescriptors(v.text, i)
		}
	}
}

// skipDescriptors returns where the next URL of a set may begin: behind a
// comma that is not in parentheses.
func skipDescriptors(text string, i int) int {
	for in := false; i < len(text); i++ {
		switch c := text[i]; {
		case c == '(':
			in = true
		case c == ')':
			in = false
		case c == ',' && !in:
			return i + 1
		}
	}
	return i
}
