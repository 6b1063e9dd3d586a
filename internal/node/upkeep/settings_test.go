package upkeep

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/podrun/disk"
)

const gib = 1 << 30

func TestADiskIsScarceBelowItsThresholds(t *testing.T) {
	space := func(size, free int64) disk.Space {
		return disk.Space{Size: size * gib, Free: free * gib, Inodes: 1000, InodesFree: 900, Device: 1}
	}
	other := func(size, free int64) *disk.Space {
		s := space(size, free)
		s.Device = 2
		return &s
	}
	hard := func(text string) Settings {
		list, err := ParseThresholds(text)
		if err != nil {
			t.Fatal(err)
		}
		return Settings{Hard: list}
	}
	for _, test := range []struct {
		name     string
		settings Settings
		node     disk.Space
		images   *disk.Space // that of pods if nil
		want     string      // the beginning of what is scarce
	}{
		{name: "half full", node: space(100, 50)},
		{name: "a small disk above a tenth", node: space(20, 3)},
		{name: "a small disk below a tenth", node: space(20, 1), want: "space of the disk of pods: nodefs.available is 1Gi, threshold 2Gi"},
		{name: "a large disk, nine tenths full", node: space(1000, 90)},
		{name: "a large disk, 95 % full", node: space(252, 12)},
		{name: "a large disk with less than a tenth of 50 GiB", node: space(1000, 4), want: "space of the disk of pods: nodefs.available is 4Gi, threshold 5Gi"},
		{name: "a large disk that counts as it is", settings: Settings{LargeDisk: -1}, node: space(1000, 90), want: "space of the disk of pods"},
		{name: "images on the same disk ask for no more", node: space(50, 6)},
		{name: "images on a disk of their own", node: space(50, 25), images: other(50, 6), want: "space of the disk of images: imagefs.available is 6Gi"},
		{name: "few inodes", node: disk.Space{Size: gib, Free: gib, Inodes: 1000, InodesFree: 49}, want: "inodes of the disk of pods: nodefs.inodesFree is 49, threshold 50"},
		{name: "inodes made as needed", node: disk.Space{Size: gib, Free: gib}},
		{name: "nothing known", node: disk.Space{}},
		{name: "a quantity counts on every disk", settings: hard("nodefs.available<100Gi"), node: space(1000, 90), want: "space"},
		{name: "no thresholds", settings: hard(""), node: space(10, 0)},
		{name: "a threshold that was not named", settings: hard("imagefs.available<10%"), node: space(10, 0)},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Disks{Node: test.node, Images: test.node}
			if test.images != nil {
				d.Images = *test.images
			}
			got := test.settings.Scarce(d)
			if (got == "") != (test.want == "") || !strings.HasPrefix(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestUnusedImagesGoByWhatTheDiskHas(t *testing.T) {
	for _, test := range []struct {
		name     string
		settings Settings
		size     int64
		free     int64
		want     int64
	}{
		{"much free", Settings{}, 40, 20, 0},
		{"84 % used", Settings{}, 100, 16, 0},
		{"86 % of a small disk", Settings{}, 50, 7, 3},
		{"more than 85 % of a large disk, but much all the same", Settings{}, 1000, 9, 0},
		{"little of a large disk", Settings{}, 1000, 7, 3},
		{"a large disk that counts as it is", Settings{LargeDisk: -1}, 1000, 140, 60},
		{"never", Settings{ImageHigh: 100}, 100, 0, 0},
		{"other percentages", Settings{ImageHigh: 50, ImageLow: 40}, 50, 20, 10},
		{"nothing known", Settings{}, 0, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := test.settings.complete().imageExcess(disk.Space{Size: test.size * gib, Free: test.free * gib})
			if got != test.want*gib {
				t.Errorf("got %d, want %d GiB", got, test.want)
			}
		})
	}
}

func TestSettingsThatCannotBeAreRefused(t *testing.T) {
	for _, test := range []struct {
		settings Settings
		wrong    string
	}{
		{Settings{}, ""},
		{Settings{ImageHigh: 50}, ""},
		{Settings{ImageHigh: 100, ImageLow: 99}, ""},
		{Settings{ImageHigh: 101}, "percentage"},
		{Settings{ImageHigh: -1}, "percentage"},
		{Settings{ImageLow: 86}, "above"},
		{Settings{ImageMinAge: -1}, "age"},
	} {
		err := test.settings.Check()
		if (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%+v: got %v, want %q", test.settings, err, test.wrong)
		}
	}
}

func TestParseThresholds(t *testing.T) {
	for _, test := range []struct {
		text, want, wrong string
	}{
		{"", "", ""},
		{"nodefs.available<10%,nodefs.inodesFree<5%,imagefs.available<15%,imagefs.inodesFree<5%", DefaultHard().String(), ""},
		{" nodefs.available < 1.5% , imagefs.available<5Gi", "nodefs.available<1.5%,imagefs.available<5Gi", ""},
		{"nodefs.available", "", "no threshold"},
		{"memory.available<100Mi", "", "nothing here is called"},
		{"nodefs.available<10%,nodefs.available<5%", "", "twice"},
		{"nodefs.available<101%", "", "no percentage"},
		{"nodefs.available<NaN%", "", "no percentage"},
		{"nodefs.available<-1Gi", "", "neither"},
		{"nodefs.available<much", "", "neither"},
	} {
		got, err := ParseThresholds(test.text)
		if test.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("%q: got %v, %v; want an error with %q", test.text, got, err, test.wrong)
			}
			continue
		}
		if err != nil || got == nil || got.String() != test.want {
			t.Errorf("%q: got %q, %v; want %q", test.text, got, err, test.want)
		}
	}
}

func FuzzParseThresholds(f *testing.F) {
	f.Add("nodefs.available<10%,imagefs.inodesFree<1Mi")
	f.Add("nodefs.available<0.0000001%")
	f.Add("nodefs.available<1e3")
	f.Add(",<")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ParseThresholds(text)
		if err != nil {
			return
		}
		for _, one := range list {
			if one.Below.Percent < 0 || one.Below.Percent > 100 || one.Below.Number < 0 {
				t.Errorf("%q is read as %+v", text, one)
			}
		}
		again, err := ParseThresholds(list.String())
		if err != nil {
			t.Fatalf("%q is printed as %q: %v", text, list, err)
		}
		if diff := cmp.Diff(list.String(), again.String()); diff != "" {
			t.Errorf("%q is read and printed otherwise (-first +second):\n%s", text, diff)
		}
	})
}
