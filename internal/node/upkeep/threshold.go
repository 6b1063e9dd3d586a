package upkeep

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Signal is what a threshold is about, by the name that kubelets give it.
type Signal string

// The signals. Those of images count where images have a disk of their own.
const (
	NodeAvailable   Signal = "nodefs.available"
	NodeInodesFree  Signal = "nodefs.inodesFree"
	ImageAvailable  Signal = "imagefs.available"
	ImageInodesFree Signal = "imagefs.inodesFree"
)

func (s Signal) ofImages() bool { return s == ImageAvailable || s == ImageInodesFree }
func (s Signal) inodes() bool   { return s == NodeInodesFree || s == ImageInodesFree }

// print shows an amount.
func (s Signal) print(amount int64) string {
	if s.inodes() {
		return strconv.FormatInt(amount, 10)
	}
	return resource.NewQuantity(amount>>20<<20, resource.BinarySI).String()
}

// Amount is a part of a disk, in percent, or so much of it if that is zero.
type Amount struct {
	Percent float64
	Number  int64
}

func (a Amount) of(all int64) int64 {
	if a.Percent > 0 {
		return int64(float64(all) * a.Percent / 100)
	}
	return a.Number
}

func (a Amount) String() string {
	if a.Percent > 0 {
		return strconv.FormatFloat(a.Percent, 'f', -1, 64) + "%"
	}
	return resource.NewQuantity(a.Number, resource.BinarySI).String()
}

// Threshold is what there must not be less of.
type Threshold struct {
	Signal Signal
	Below  Amount
}

// Thresholds are a set of them, at most one of a signal.
type Thresholds []Threshold

// String is as ParseThresholds takes it.
func (t Thresholds) String() string {
	var list []string
	for _, one := range t {
		list = append(list, string(one.Signal)+"<"+one.Below.String())
	}
	return strings.Join(list, ",")
}

// ParseThresholds reads a list such as nodefs.available<10%,imagefs.available<5Gi,
// as --eviction-hard of a kubelet. Nothing is no threshold.
func ParseThresholds(text string) (Thresholds, error) {
	list := Thresholds{}
	if text == "" {
		return list, nil
	}
	known := map[Signal]bool{NodeAvailable: false, NodeInodesFree: false, ImageAvailable: false, ImageInodesFree: false}
	for item := range strings.SplitSeq(text, ",") {
		name, amount, found := strings.Cut(item, "<")
		if !found {
			return nil, fmt.Errorf("%q is no threshold: write it as %s<10%%", item, NodeAvailable)
		}
		signal := Signal(strings.TrimSpace(name))
		given, ok := known[signal]
		if !ok {
			return nil, fmt.Errorf("nothing here is called %q: there are %s, %s, %s and %s", signal, NodeAvailable, NodeInodesFree, ImageAvailable, ImageInodesFree)
		}
		if given {
			return nil, fmt.Errorf("%s is given twice", signal)
		}
		known[signal] = true
		below, err := parseAmount(strings.TrimSpace(amount))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", signal, err)
		}
		list = append(list, Threshold{signal, below})
	}
	return list, nil
}

func parseAmount(text string) (Amount, error) {
	if number, ok := strings.CutSuffix(text, "%"); ok {
		percent, err := strconv.ParseFloat(number, 64)
		if err != nil || math.IsNaN(percent) || percent < 0 || percent > 100 {
			return Amount{}, fmt.Errorf("%q is no percentage", text)
		}
		return Amount{Percent: percent}, nil
	}
	quantity, err := resource.ParseQuantity(text)
	if err != nil || quantity.Sign() < 0 {
		return Amount{}, fmt.Errorf("%q is neither a percentage nor a quantity, such as 5Gi", text)
	}
	return Amount{Number: quantity.Value()}, nil
}
