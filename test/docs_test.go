package test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A block is a fenced piece of a document that is marked as runnable: its
// first line is ```sh run, or ```sh run background for a server that the
// blocks after it need.
type block struct {
	text       string
	background bool
}

// blocks finds the runnable blocks of a document.
func blocks(document string) []block {
	var found []block
	fence := regexp.MustCompile("(?ms)^```sh run( background)?\n(.*?)^```$")
	for _, match := range fence.FindAllStringSubmatch(document, -1) {
		found = append(found, block{text: match[2], background: match[1] != ""})
	}
	return found
}

func TestBlocksAreFound(t *testing.T) {
	got := blocks("# T\n```sh run background\na\n```\ntext\n```sh\nno\n```\n```sh run\nb\nc\n```\n")
	want := []block{{"a\n", true}, {"b\nc\n", false}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("blocks = %+v, want %+v", got, want)
	}
}

// documents are the paths of all Markdown files, from the top directory.
func documents(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root(t), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.HasPrefix(entry.Name(), ".git") {
			return fs.SkipDir
		}
		if err == nil && filepath.Ext(path) == ".md" {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestLinksInDocumentsLead checks links to files and to headings in them.
func TestLinksInDocumentsLead(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)]+)\)`)
	for _, path := range documents(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			file, heading, _ := strings.Cut(match[1], "#")
			target := filepath.Join(filepath.Dir(path), file)
			if file == "" {
				target = path
			}
			if err := leads(target, heading); err != nil {
				t.Errorf("%s: link to %s: %v", path, match[1], err)
			}
		}
	}
}

// leads says why there is no such file, or no such heading in it.
func leads(path, heading string) error {
	if heading == "" {
		_, err := os.Stat(path)
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, line := range strings.Split(string(text), "\n") {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") && anchor(title) == heading {
			return nil
		}
	}
	return errors.New("no such heading")
}

// anchor is the name that a heading gets in a link.
func anchor(title string) string {
	title = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(title), "")
	return strings.ReplaceAll(title, " ", "-")
}
