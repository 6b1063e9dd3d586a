//go:build linux

package idmap

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMapsAreRead(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       Map
		all        bool
		has, lacks []uint32
	}{
		{"of a machine", "         0          0 4294967295\n", Map{{0, 4294967295}}, true, []uint32{0, 1000, 4294967294}, []uint32{4294967295}},
		{"of one user", "0 1000 1\n", Map{{0, 1}}, false, []uint32{0}, []uint32{1, 1000}},
		{"with those of subuid", "0 1000 1\n1 100000 65536\n", Map{{0, 1}, {1, 65536}}, false, []uint32{0, 1, 65536}, []uint32{65537}},
		{"of nobody", "", nil, false, nil, []uint32{0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parse(strings.NewReader(test.text))
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Fatalf("%v (-want +got):\n%s", err, diff)
			}
			if got.All() != test.all {
				t.Errorf("All: %t, want %t", got.All(), test.all)
			}
			for _, id := range test.has {
				if !got.Has(id) {
					t.Errorf("%d is not there", id)
				}
			}
			for _, id := range test.lacks {
				if got.Has(id) {
					t.Errorf("%d is there", id)
				}
			}
		})
	}
}

func TestThisProcessIsInItsMap(t *testing.T) {
	if !Users().Has(0) || !Groups().Has(0) {
		t.Errorf("no root among %v, %v", Users(), Groups())
	}
}

func FuzzParse(f *testing.F) {
	f.Add("0 0 4294967295\n")
	f.Add("0 1000")
	f.Add("0 -1 x")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parse(strings.NewReader(text))
		if err != nil && m != nil {
			t.Errorf("%v with %v", m, err)
		}
		for _, r := range m {
			if r.Size > 0 && !m.Has(r.First) {
				t.Errorf("%d is not in %v", r.First, m)
			}
		}
	})
}
