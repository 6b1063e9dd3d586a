package nodeipam

import (
	"fmt"
	"net/netip"
	"slices"
)

// ranges cuts the cluster's range into those of nodes.
type ranges struct {
	cluster netip.Prefix
	bits    int
}

func newRanges(config Config) (ranges, error) {
	if !config.Cluster.IsValid() {
		return ranges{}, fmt.Errorf("preparing ranges of pod addresses: no range of the cluster given")
	}
	r := ranges{cluster: config.Cluster.Masked(), bits: config.NodeBits}
	if r.bits == 0 {
		r.bits = nodeBits6
		if r.cluster.Addr().Is4() {
			r.bits = nodeBits4
		}
	}
	if r.bits > r.cluster.Addr().BitLen() {
		return ranges{}, fmt.Errorf("preparing ranges of pod addresses: a prefix of /%d is too long for %s", r.bits, r.cluster)
	}
	r.bits = max(r.bits, r.cluster.Bits())
	return r, nil
}

// free is the first range that overlaps none of those taken. Ranges that were
// given by others, and of another size, count too.
func (r ranges) free(taken []netip.Prefix) (netip.Prefix, bool) {
	for p := netip.PrefixFrom(r.cluster.Addr(), r.bits); r.cluster.Contains(p.Addr()); {
		if !slices.ContainsFunc(taken, p.Overlaps) {
			return p, true
		}
		next, ok := after(p)
		if !ok {
			break
		}
		p = next
	}
	return netip.Prefix{}, false
}

// after is the range behind p; false at the end of all addresses.
func after(p netip.Prefix) (netip.Prefix, bool) {
	bytes := p.Addr().AsSlice()
	i := (p.Bits() - 1) / 8
	carry := 1 << (7 - (p.Bits()-1)%8)
	for ; i >= 0 && carry > 0; i-- {
		sum := int(bytes[i]) + carry
		bytes[i], carry = byte(sum), sum>>8
	}
	next, ok := netip.AddrFromSlice(bytes)
	return netip.PrefixFrom(next, p.Bits()), ok && carry == 0 && p.Bits() > 0
}
