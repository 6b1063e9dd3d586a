package upkeep

import (
	"errors"
	"fmt"
	"time"

	"github.com/causeway-access/causeway/internal/podrun/disk"
)

// Settings are what a node's user may decide. The zero value is the usual one.
type Settings struct {
	// ImageHigh is how much of the disk of images may be used, in percent, before
	// unused ones are removed: 85 if zero. 100 is never.
	ImageHigh int
	// ImageLow is how much may be used after that: 80 if zero.
	ImageLow int
	// ImageMinAge is how long an image is kept unused: 2 minutes if zero.
	ImageMinAge time.Duration
	// Hard are the thresholds below which a disk is nearly full; nil for
	// [DefaultHard].
	Hard Thresholds
	// LargeDisk is the size in bytes above which a disk counts as one of this
	// size where a threshold is a percentage of bytes: 50 GiB if zero, no such
	// size if negative.
	LargeDisk int64
}

// The usual settings; percentages and age are those of kubelets.
const (
	DefaultImageHigh   = 85
	DefaultImageLow    = 80
	DefaultImageMinAge = 2 * time.Minute
	DefaultLargeDisk   = 50 << 30
)

// DefaultHard are the usual thresholds, those of kubelets.
func DefaultHard() Thresholds {
	return Thresholds{
		{NodeAvailable, Amount{Percent: 10}}, {NodeInodesFree, Amount{Percent: 5}},
		{ImageAvailable, Amount{Percent: 15}}, {ImageInodesFree, Amount{Percent: 5}},
	}
}

// complete fills in what was left out.
func (s Settings) complete() Settings {
	if s.ImageHigh == 0 {
		s.ImageHigh = DefaultImageHigh
	}
	if s.ImageLow == 0 {
		s.ImageLow = min(DefaultImageLow, s.ImageHigh)
	}
	if s.ImageMinAge == 0 {
		s.ImageMinAge = DefaultImageMinAge
	}
	if s.Hard == nil {
		s.Hard = DefaultHard()
	}
	if s.LargeDisk == 0 {
		s.LargeDisk = DefaultLargeDisk
	}
	return s
}

// Check says what of the settings cannot be.
func (s Settings) Check() error {
	s = s.complete()
	switch {
	case s.ImageHigh < 0, s.ImageHigh > 100, s.ImageLow < 0:
		return errors.New("how much of a disk may be used is a percentage, 0 to 100")
	case s.ImageLow > s.ImageHigh:
		return fmt.Errorf("unused images are removed from %d%% on, but until %d%%: the second must not be above the first", s.ImageHigh, s.ImageLow)
	case s.ImageMinAge < 0:
		return errors.New("the age of an image is not negative")
	}
	return nil
}

// counted is how large a disk is where percentages of it are meant.
func (s Settings) counted(d disk.Space) int64 {
	if s.LargeDisk > 0 {
		return min(d.Size, s.LargeDisk)
	}
	return d.Size
}

// imageExcess is how many bytes of images should go: zero until the disk is used
// as much as it may be.
func (s Settings) imageExcess(d disk.Space) int64 {
	size := s.counted(d)
	if s.ImageHigh >= 100 || d.Size == 0 || d.Free > size*int64(100-s.ImageHigh)/100 {
		return 0
	}
	return max(0, size*int64(100-s.ImageLow)/100-d.Free)
}

// Disks are those of a node as they are now.
type Disks struct {
	// Node is that of pods, Images that of images; they may be one.
	Node, Images disk.Space
}

// oneDisk says that images are on the disk of pods. Then what is asked of the
// disk of pods is all that is asked.
func (d Disks) oneDisk() bool { return d.Images.Device == d.Node.Device }

// Scarce says what there is too little of; empty if nothing.
func (s Settings) Scarce(d Disks) string {
	s = s.complete()
	for _, t := range s.Hard {
		is, size, unit := d.Node, s.counted(d.Node), "of the disk of pods"
		if t.Signal.ofImages() {
			if d.oneDisk() {
				continue
			}
			is, size, unit = d.Images, s.counted(d.Images), "of the disk of images"
		}
		free := is.Free
		what := "space"
		if t.Signal.inodes() {
			free, size, what = is.InodesFree, is.Inodes, "inodes"
		}
		if size == 0 { // not known, or made as needed
			continue
		}
		if least := t.Below.of(size); free < least {
			return fmt.Sprintf("%s %s: %s is %s, threshold %s", what, unit, t.Signal, t.Signal.print(free), t.Signal.print(least))
		}
	}
	return ""
}
