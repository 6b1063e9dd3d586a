package server

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/causeway-access/causeway/internal/podrun"
)

// Images are the images that a node has.
type Images interface {
	// ImportImages takes the images of an archive, which is a file.
	ImportImages(ctx context.Context, archive string) ([]podrun.Image, error)
	ListImages(ctx context.Context) ([]podrun.Image, error)
	RemoveImage(ctx context.Context, reference string) error
}

// Image is an image as the node's API shows it.
type Image struct {
	// ID is the digest of its configuration, Names are its references.
	ID    string   `json:"id"`
	Names []string `json:"names"`
	// Size is that of its files, in bytes.
	Size int64 `json:"size"`
}

func shown(images []podrun.Image) []Image {
	list := []Image{}
	for _, i := range images {
		if i.ID != podrun.HostImage {
			list = append(list, Image{ID: i.ID, Names: append([]string{}, i.Names...), Size: i.Size})
		}
	}
	slices.SortFunc(list, func(a, b Image) int { return cmp.Or(slices.Compare(a.Names, b.Names), cmp.Compare(a.ID, b.ID)) })
	return list
}

func (s *server) listImages(w http.ResponseWriter, r *http.Request) {
	images, err := s.Images.ListImages(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, shown(images))
}

// importImages takes the archive that is the request's body.
func (s *server) importImages(w http.ResponseWriter, r *http.Request) {
	archive, err := os.CreateTemp(s.Dir, "import-")
	if err != nil {
		http.Error(w, fmt.Sprintf("making room for the archive: %v", err), http.StatusInternalServerError)
		return
	}
	defer archive.Close()
	// It has no name from here on: nothing of it is left if the agent is killed.
	if err = os.Remove(archive.Name()); err == nil {
		_, err = io.Copy(archive, r.Body)
	}
	if err != nil {
		http.Error(w, fmt.Sprintf("receiving the archive: %v", err), http.StatusInternalServerError)
		return
	}
	images, err := s.Images.ImportImages(r.Context(), fmt.Sprintf("/proc/self/fd/%d", archive.Fd()))
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	writeJSON(w, shown(images))
}

func (s *server) removeImage(w http.ResponseWriter, r *http.Request) {
	reference := r.URL.Query().Get("name")
	if reference == "" {
		http.Error(w, "the parameter name says which image to remove", http.StatusBadRequest)
		return
	}
	images, err := s.Images.ListImages(r.Context())
	if err == nil && !slices.ContainsFunc(images, func(i podrun.Image) bool { return called(i, reference) }) {
		http.Error(w, fmt.Sprintf("there is no image %q on this node", reference), http.StatusNotFound)
		return
	}
	if err == nil {
		err = s.Images.RemoveImage(r.Context(), reference)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// called reports whether an image has a reference, which may leave out what is
// usual, or is the ID.
func called(i podrun.Image, reference string) bool {
	if i.ID == reference {
		return true
	}
	ref, err := name.ParseReference(reference)
	return err == nil && slices.Contains(i.Names, ref.Name())
}
