package cli

import (
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/causeway-access/causeway/internal/node/upkeep"
)

// addUpkeep adds the flags of how much of this machine's disk may be used.
func addUpkeep(f *pflag.FlagSet, s *upkeep.Settings) {
	f.IntVar(&s.ImageHigh, "image-gc-high-threshold", upkeep.DefaultImageHigh, "percentage of the disk of images in use from which on unused images are removed; 100 is never")
	f.IntVar(&s.ImageLow, "image-gc-low-threshold", upkeep.DefaultImageLow, "percentage of it that may be in use after that")
	f.DurationVar(&s.ImageMinAge, "image-gc-min-age", upkeep.DefaultImageMinAge, "how long an unused image is kept at least")
	s.Hard = upkeep.DefaultHard()
	f.Var((*thresholds)(&s.Hard), "eviction-hard", `when the disk is nearly full, and pods that have written most are ended: percentages or quantities, such as nodefs.available<5Gi,imagefs.available<10%; "" is never`)
	s.LargeDisk = upkeep.DefaultLargeDisk
	f.Var((*byteCount)(&s.LargeDisk), "large-disk", "a larger disk counts as one of this size where these thresholds are percentages of its bytes; -1 is no such size")
}

// thresholds are a flag.
type thresholds upkeep.Thresholds

// Set implements [pflag.Value].
func (t *thresholds) Set(text string) error {
	list, err := upkeep.ParseThresholds(text)
	*t = thresholds(list)
	return err
}

// String implements [pflag.Value].
func (t *thresholds) String() string { return upkeep.Thresholds(*t).String() }

// Type implements [pflag.Value].
func (t *thresholds) Type() string { return "thresholds" }

// byteCount is a flag, in bytes.
type byteCount int64

// Set implements [pflag.Value].
func (s *byteCount) Set(text string) error {
	quantity, err := resource.ParseQuantity(text)
	*s = byteCount(quantity.Value())
	return err
}

// String implements [pflag.Value].
func (s *byteCount) String() string {
	return resource.NewQuantity(int64(*s), resource.BinarySI).String()
}

// Type implements [pflag.Value].
func (s *byteCount) Type() string { return "quantity" }
