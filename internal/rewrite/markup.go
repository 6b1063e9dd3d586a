package rewrite

import "bytes"

// These are the states outside of tags and raw text. Each reads data from the
// byte at i on, which is there, and returns how far it came; one that returns
// i itself leaves that byte to the state that it sets.

func (s *scanner) text(data []byte, i int) int {
	n := bytes.IndexByte(data[i:], '<')
	if n < 0 {
		return len(data)
	}
	s.step = (*scanner).tagOpen
	return i + n + 1
}

func (s *scanner) tagOpen(data []byte, i int) int {
	switch c := data[i]; {
	case letter(c):
		s.startTag(false)
		return i
	case c == '/':
		s.step = (*scanner).endTagOpen
	case c == '!':
		s.step = (*scanner).declaration
	case c == '?':
		s.step = (*scanner).bogus
	default:
		s.step = (*scanner).text
		return i
	}
	return i + 1
}

func (s *scanner) endTagOpen(data []byte, i int) int {
	switch c := data[i]; {
	case letter(c):
		s.startTag(true)
		return i
	case c == '>':
		s.step = (*scanner).text
		return i + 1
	}
	s.step = (*scanner).bogus
	return i
}

// declaration follows "<!". A DOCTYPE ends where a bogus comment does: at the
// first ">", be it in quotes or not.
func (s *scanner) declaration(data []byte, i int) int {
	switch c := data[i]; {
	case c == '-':
		s.step = (*scanner).declarationDash
		return i + 1
	case c == '[' && (s.xml || s.foreign > 0):
		s.matched, s.step = 0, (*scanner).cdataOpen
		return i
	}
	s.step = (*scanner).bogus
	return i
}

func (s *scanner) declarationDash(data []byte, i int) int {
	if data[i] != '-' {
		s.step = (*scanner).bogus
		return i
	}
	s.step = (*scanner).commentStart
	return i + 1
}

// bogus is a comment that ends at the first ">".
func (s *scanner) bogus(data []byte, i int) int {
	n := bytes.IndexByte(data[i:], '>')
	if n < 0 {
		return len(data)
	}
	s.step = (*scanner).text
	return i + n + 1
}

func (s *scanner) commentStart(data []byte, i int) int {
	return s.after(data, i, (*scanner).commentStartDash, (*scanner).comment, true)
}

func (s *scanner) commentStartDash(data []byte, i int) int {
	return s.after(data, i, (*scanner).commentEnd, (*scanner).comment, true)
}

func (s *scanner) comment(data []byte, i int) int {
	n := bytes.IndexByte(data[i:], '-')
	if n < 0 {
		return len(data)
	}
	s.step = (*scanner).commentEndDash
	return i + n + 1
}

func (s *scanner) commentEndDash(data []byte, i int) int {
	return s.after(data, i, (*scanner).commentEnd, (*scanner).comment, false)
}

func (s *scanner) commentEnd(data []byte, i int) int {
	if data[i] == '!' {
		s.step = (*scanner).commentEndBang
		return i + 1
	}
	return s.after(data, i, (*scanner).commentEnd, (*scanner).comment, true)
}

func (s *scanner) commentEndBang(data []byte, i int) int {
	return s.after(data, i, (*scanner).commentEndDash, (*scanner).comment, true)
}

// after goes on in a comment: with a dash to one state, with another byte,
// which is left to it, to the other; ">" ends the comment where it may.
func (s *scanner) after(data []byte, i int, dash, other func(*scanner, []byte, int) int, ends bool) int {
	switch {
	case data[i] == '-':
		s.step = dash
	case data[i] == '>' && ends:
		s.step = (*scanner).text
	default:
		s.step = other
		return i
	}
	return i + 1
}

func (s *scanner) cdataOpen(data []byte, i int) int {
	const open = "[CDATA["
	if data[i] != open[s.matched] {
		s.step = (*scanner).bogus
		return i
	}
	if s.matched++; s.matched == len(open) {
		s.matched, s.step = 0, (*scanner).cdata
	}
	return i + 1
}

// cdata counts brackets up to two: "]]>" ends it, and so does "]]]>".
func (s *scanner) cdata(data []byte, i int) int {
	for ; i < len(data); i++ {
		switch c := data[i]; {
		case c == ']':
			s.matched = min(s.matched+1, 2)
		case c == '>' && s.matched == 2:
			s.step = (*scanner).text
			return i + 1
		default:
			s.matched = 0
		}
	}
	return i
}
