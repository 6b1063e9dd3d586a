package rewrite

import "bytes"

// These are the states of raw text, in which "<a>" is no tag. See markup.go
// for what a state does.

// rawTexts are the elements that have it. Noscript has: browsers that run
// scripts, and others are rare, do not read it.
var rawTexts = [...]string{"iframe", "noembed", "noframes", "noscript", "plaintext", "script", "style", "textarea", "title", "xmp"}

// enter begins the raw text of an element that has it.
func (s *scanner) enter(name []byte) {
	for _, raw := range rawTexts {
		if string(name) == raw {
			s.raw, s.escaped, s.dashes = raw, 0, 0
			s.step = (*scanner).rawText
		}
	}
}

func (s *scanner) rawText(data []byte, i int) int {
	if s.escaped > 0 {
		return s.scriptEscaped(data, i)
	}
	n := bytes.IndexByte(data[i:], '<')
	if n < 0 || s.raw == "plaintext" { // which nothing ends
		return len(data)
	}
	s.step = (*scanner).rawLess
	return i + n + 1
}

// scriptEscaped is the text of a script behind "<!--", until "-->".
func (s *scanner) scriptEscaped(data []byte, i int) int {
	switch c := data[i]; {
	case c == '-':
		s.dashes = min(s.dashes+1, 2)
		return i + 1
	case c == '<':
		s.step = (*scanner).rawLess
	case c == '>' && s.dashes == 2:
		s.escaped = 0
	}
	s.dashes = 0
	return i + 1
}

func (s *scanner) rawLess(data []byte, i int) int {
	s.matched = 0
	switch c := data[i]; {
	case c == '/':
		s.step = (*scanner).rawEndName
	case c == '!' && s.raw == "script" && s.escaped == 0:
		s.step = (*scanner).scriptBang
	case s.escaped == 1 && letter(c):
		s.step = (*scanner).scriptAgain
		return i
	default:
		s.step = (*scanner).rawText
		return i
	}
	return i + 1
}

// rawEndName follows "</". The end tag of a script in a script in a comment
// ends only that.
func (s *scanner) rawEndName(data []byte, i int) int {
	switch s.match(data[i], s.raw) {
	case matching:
		return i + 1
	case matched:
		if s.escaped == 2 {
			s.escaped, s.step = 1, (*scanner).rawText
			return i + 1
		}
		s.startTag(true)
		s.step = (*scanner).beforeName
		return i
	}
	s.step = (*scanner).rawText
	return i
}

// scriptAgain follows "<" in a comment of a script.
func (s *scanner) scriptAgain(data []byte, i int) int {
	switch s.match(data[i], s.raw) {
	case matching:
		return i + 1
	case matched:
		s.escaped, s.step = 2, (*scanner).rawText
		return i + 1
	}
	s.step = (*scanner).rawText
	return i
}

func (s *scanner) scriptBang(data []byte, i int) int {
	return s.scriptDash(data, i, (*scanner).scriptBangDash)
}

func (s *scanner) scriptBangDash(data []byte, i int) int {
	if data[i] == '-' {
		s.escaped, s.dashes = 1, 2
	}
	return s.scriptDash(data, i, (*scanner).rawText)
}

// scriptDash goes on to a state behind a dash, else back to raw text.
func (s *scanner) scriptDash(data []byte, i int, dash func(*scanner, []byte, int) int) int {
	if data[i] == '-' {
		s.step = dash
		return i + 1
	}
	s.step = (*scanner).rawText
	return i
}

type progress int

const (
	differs  progress = iota
	matching          // so far
	matched           // and something that ends a name follows
)

// match compares the next byte with the name that is looked for.
func (s *scanner) match(c byte, name string) progress {
	if s.matched < len(name) {
		if c != name[s.matched] && c|0x20 != name[s.matched] {
			return differs
		}
		s.matched++
		return matching
	}
	if space(c) || c == '/' || c == '>' {
		return matched
	}
	return differs
}
