package podspec

import "strings"

// Expand puts the values of variables in the place of $(NAME). $$ is a plain
// dollar sign, so that $$(NAME) stays $(NAME). A variable that there is not
// stays as it is written, and so does a $( that is not closed.
func Expand(text string, value func(name string) (string, bool)) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		text = after
		name, rest, closed := strings.Cut(after, ")")
		switch {
		case strings.HasPrefix(after, "$"):
			b.WriteByte('$')
			text = after[1:]
		case !closed || !strings.HasPrefix(name, "("):
			b.WriteByte('$')
		default:
			text = rest
			if v, ok := value(name[1:]); ok {
				b.WriteString(v)
			} else {
				b.WriteString("$" + name + ")")
			}
		}
	}
}

// expandAll expands each text of a list.
func expandAll(texts []string, value func(string) (string, bool)) []string {
	var list []string
	for _, text := range texts {
		list = append(list, Expand(text, value))
	}
	return list
}
