package zone

import (
	"net/netip"
	"strconv"
	"strings"
)

// The domains of names for addresses: RFC 1035, section 3.5, and RFC 3596.
const (
	reverse4 = ".in-addr.arpa."
	reverse6 = ".ip6.arpa."
)

// parseReverse returns the range of addresses that a reverse name stands for:
// a single one, if the name is complete. The name is in lower case.
func parseReverse(name string) (netip.Prefix, bool) {
	if rest, ok := strings.CutSuffix(name, reverse4); ok {
		return parseLabels(rest, 10, 8, make([]byte, 4))
	}
	if rest, ok := strings.CutSuffix(name, reverse6); ok {
		return parseLabels(rest, 16, 4, make([]byte, 16))
	}
	return netip.Prefix{}, false
}

// parseLabels reads labels of so many bits each into an address, from the last
// to the first.
func parseLabels(rest string, base, width int, into []byte) (netip.Prefix, bool) {
	bits := 0
	for rest != "" {
		var label string
		rest, label = cutLast(rest)
		value, err := strconv.ParseUint(label, base, width)
		if err != nil || bits == 8*len(into) || len(label) > 1 && (label[0] == '0' || width == 4) || label[0] == '+' {
			return netip.Prefix{}, false
		}
		into[bits/8] |= byte(value) << (8 - width - bits%8)
		bits += width
	}
	addr, _ := netip.AddrFromSlice(into)
	return netip.PrefixFrom(addr, bits), true
}

// reverseName is the name of an address, or of the range of its first bits if
// they are whole labels.
func reverseName(addr netip.Addr, bits int) string {
	var b strings.Builder
	raw := addr.AsSlice()
	width, base, suffix := 8, 10, reverse4
	if addr.Is6() {
		width, base, suffix = 4, 16, reverse6
	}
	for at := bits - width; at >= 0; at -= width {
		value := raw[at/8] >> (8 - width - at%8) & (1<<width - 1)
		b.WriteString(strconv.FormatUint(uint64(value), base))
		if at > 0 {
			b.WriteByte('.')
		}
	}
	b.WriteString(suffix)
	return b.String()
}

// zoneOf is the name of the reverse zone that an address of a range is in: the
// range's own, or the widest part of it that has a name.
func zoneOf(addr netip.Addr, in netip.Prefix) string {
	width := 8
	if addr.Is6() {
		width = 4
	}
	bits := (in.Bits() + width - 1) / width * width
	return reverseName(addr, max(bits, width))
}
