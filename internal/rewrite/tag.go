package rewrite

import "bytes"

// These are the states of tags, from behind "<" or "</" to ">". See markup.go
// for what a state does.

// startTag begins a tag, be it a start tag or an end tag.
func (s *scanner) startTag(closing bool) {
	s.tag.length, s.closing, s.slash = 0, closing, false
	s.step = (*scanner).tagName
}

func (s *scanner) tagName(data []byte, i int) int {
	for ; i < len(data); i++ {
		if c := data[i]; space(c) || c == '/' || c == '>' {
			if !s.closing {
				if s.known = attributes[string(s.tag.bytes())]; s.known != nil {
					s.held = i
				}
			}
			s.step = (*scanner).beforeName
			return i
		}
		s.tag.add(data[i])
	}
	return i
}

func (s *scanner) beforeName(data []byte, i int) int {
	switch c := data[i]; {
	case space(c):
	case c == '/':
		s.step = (*scanner).selfClosing
	case c == '>':
		s.endTag()
	default: // a name, and be it one that begins with "="
		s.name.length = 0
		s.name.add(c)
		s.step = (*scanner).attributeName
	}
	return i + 1
}

func (s *scanner) attributeName(data []byte, i int) int {
	for ; i < len(data); i++ {
		c := data[i]
		if space(c) || c == '/' || c == '>' || c == '=' {
			s.named()
			s.step = (*scanner).afterName
			return i
		}
		s.name.add(c)
	}
	return i
}

// named looks whether the attribute matters. Of several of one name only the
// first does.
func (s *scanner) named() {
	s.current = -1
	for _, a := range s.known {
		if string(s.name.bytes()) != a.name {
			continue
		}
		for _, p := range s.places[:s.count] {
			if p.name == a.name {
				return
			}
		}
		s.places[s.count] = place{attribute: a}
		s.current = s.count
		s.count++
		return
	}
}

func (s *scanner) afterName(data []byte, i int) int {
	switch c := data[i]; {
	case space(c):
		return i + 1
	case c == '=':
		s.step = (*scanner).beforeValue
		return i + 1
	}
	s.step = (*scanner).beforeName
	return i
}

func (s *scanner) beforeValue(data []byte, i int) int {
	switch c := data[i]; {
	case space(c):
		return i + 1
	case c == '>': // there is none
		s.step = (*scanner).beforeName
		return i
	case c == '"' || c == '\'':
		s.quote, s.step = c, (*scanner).quoted
		s.begin(i + 1)
		return i + 1
	}
	s.step = (*scanner).unquoted
	s.begin(i)
	return i
}

func (s *scanner) quoted(data []byte, i int) int {
	n := bytes.IndexByte(data[i:], s.quote)
	if n < 0 {
		return len(data)
	}
	s.end(i + n)
	s.step = (*scanner).beforeName
	return i + n + 1
}

func (s *scanner) unquoted(data []byte, i int) int {
	for ; i < len(data); i++ {
		if space(data[i]) || data[i] == '>' {
			s.end(i)
			s.step = (*scanner).beforeName
			return i
		}
	}
	return i
}

func (s *scanner) selfClosing(data []byte, i int) int {
	s.step = (*scanner).beforeName
	s.slash = data[i] == '>'
	return i
}

// begin and end note where the value of an attribute that matters is.
func (s *scanner) begin(i int) {
	if s.current >= 0 {
		s.places[s.current].from = i - s.held
	}
}

func (s *scanner) end(i int) {
	if s.current >= 0 {
		s.places[s.current].to = i - s.held
	}
}

// endTag ends a tag, at its ">".
func (s *scanner) endTag() {
	if s.complete = len(s.values()) > 0; !s.complete {
		s.release()
	}
	s.step = (*scanner).text
	name := s.tag.bytes()
	switch empty := s.slash && (s.xml || s.foreign > 0); { // HTML's own elements cannot be
	case string(name) == "svg" || string(name) == "math":
		if s.closing {
			s.foreign = max(s.foreign-1, 0)
		} else if !s.slash {
			s.foreign++
		}
	case !s.closing && !s.xml && !empty:
		s.enter(name)
	}
}
