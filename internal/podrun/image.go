package podrun

import "fmt"

// HostImage is the name of the image that is this machine's own root file
// system; what a container writes goes elsewhere. It is for programs that one
// would run on the machine anyway: they read what their user may read.
const HostImage = "host"

// Auth is what a registry asks for. The zero value is nobody.
type Auth struct {
	Username, Password string
	// Token is a bearer token, used instead of a password.
	Token string
}

// InUse is an error that names a container which has an image; nil if none has.
func InUse(sandboxes []Sandbox, image string) error {
	for _, s := range sandboxes {
		for _, c := range s.Containers {
			if c.ImageID == image {
				return fmt.Errorf("the container %s of %s/%s has it", c.Config.Name, s.Config.Namespace, s.Config.Name)
			}
		}
	}
	return nil
}

// Image is an image that is here.
type Image struct {
	// ID is the digest of its configuration; HostImage for that.
	ID string
	// Names are the references by which it was got.
	Names []string
	// Size is that of its files, in bytes.
	Size int64
	// User is what it runs as, if it says: a number or a name.
	User string
	// Pinned ones are removed by those alone who name them, not for want of space.
	Pinned bool
}
