package rewrite

// scanner finds the tags of a page that hold URLs, in a page that comes in
// pieces of any size. It is the tokenizer of the HTML Standard (section
// 13.2.5), one function a state, and keeps to its names where the states are
// the same; but it makes no tokens, and nothing of the page but names.
//
// Whether an element is in SVG or MathML, where other rules hold, it knows
// roughly: by tags alone, and not by what the tree of a page makes of them.
type scanner struct {
	step    func(*scanner, []byte, int) int // the state
	xml     bool                            // XHTML: no raw text, CDATA everywhere
	foreign int                             // how deep in svg and math elements

	// Of markup and raw text, see markup.go and rawtext.go.
	matched int    // bytes of what is looked for
	raw     string // the element whose raw text this is
	escaped int    // 1 behind "<!--" of a script, 2 behind "<script" in that
	dashes  int    // before this byte, up to 2

	// Of tags, see tag.go.
	tag, name word        // its name, and that of the attribute
	closing   bool        // it is an end tag
	slash     bool        // it ended in "/>"
	known     []attribute // those that may hold URLs; nil for tags without
	quote     byte
	current   int // in places, -1 for an attribute that does not matter
	places    [maxAttributes]place
	count     int

	held     int  // where in the data a tag with URLs may begin, else -1
	complete bool // and it is read
}

// place is where the value of an attribute is, counted from scanner.held on.
type place struct {
	attribute
	from, to int // to is 0 until the value is complete
}

// reset makes the scanner ready for a page.
func (s *scanner) reset(xml bool) {
	*s = scanner{step: (*scanner).text, xml: xml, held: -1, current: -1}
}

// next reads data from the byte at i on, until a tag with URLs is complete or
// the data ends, and returns how far it came.
func (s *scanner) next(data []byte, i int) int {
	for i < len(data) && !s.complete {
		i = s.step(s, data, i)
	}
	return i
}

// values returns the attributes of the tag whose values are complete, and
// forgets the others.
func (s *scanner) values() []place {
	n := 0
	for _, p := range s.places[:s.count] {
		if p.to > 0 {
			s.places[n] = p
			n++
		}
	}
	s.count = n
	return s.places[:n]
}

// release ends the interest in a tag.
func (s *scanner) release() {
	s.held, s.complete, s.known, s.count, s.current = -1, false, nil, 0, -1
}

// word is a name in lower case, or the beginning of one that is longer than
// all that matter.
type word struct {
	letters [12]byte
	length  int
}

func (w *word) add(c byte) {
	if w.length == len(w.letters) {
		return
	}
	if 'A' <= c && c <= 'Z' {
		c |= 0x20
	}
	w.letters[w.length] = c
	w.length++
}

func (w *word) bytes() []byte { return w.letters[:w.length] }
