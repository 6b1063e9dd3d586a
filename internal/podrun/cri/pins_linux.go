package cri

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/causeway-access/causeway/internal/privatefile"
)

// pins are the images that were imported. Runtimes pin images by their own
// configuration, but not by their interface; this is kept beside them.
type pins struct {
	file string

	mu  sync.Mutex
	ids []string
}

func (p *pins) load() error {
	data, err := os.ReadFile(p.file)
	if err == nil {
		err = json.Unmarshal(data, &p.ids)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading which images are pinned: %w", err)
	}
	return nil
}

func (p *pins) has(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.ids, id)
}

func (p *pins) add(id string) error {
	return p.change(func(ids []string) []string { return append(ids, id) })
}

func (p *pins) remove(id string) error {
	return p.change(func(ids []string) []string {
		return slices.DeleteFunc(ids, func(i string) bool { return i == id })
	})
}

// change writes the list down, if it is another than before.
func (p *pins) change(f func([]string) []string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	ids := f(slices.Clone(p.ids))
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if slices.Equal(ids, p.ids) {
		return nil
	}
	data, err := json.Marshal(ids)
	if err == nil {
		err = privatefile.Write(p.file, data)
	}
	if err != nil {
		return fmt.Errorf("writing down which images are pinned: %w", err)
	}
	p.ids = ids
	return nil
}
