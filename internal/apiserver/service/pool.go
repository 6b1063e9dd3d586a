package service

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
)

// errFull says that a range has nothing left.
var errFull = errors.New("range is full")

// pool is a range of numbered items of which each has one owner at most.
type pool struct {
	ledger *ledger
	// size is how many items there are, reserved how many of the first are
	// given only to who asks for them by name (KEP-3070): what people choose
	// by hand rarely meets what was chosen for them.
	size, reserved int
	item           func(i int) string
}

// tries is how many random items are looked at before the range is searched
// in order.
const tries = 16

// next returns any free item, for which take has returned true.
func (p *pool) next(ctx context.Context, take func(item string) (bool, error)) (string, error) {
	dynamic := p.size - p.reserved
	for range min(tries, dynamic) {
		item := p.item(p.reserved + rand.IntN(dynamic))
		if ok, err := take(item); err != nil || ok {
			return item, err
		}
	}
	taken, err := p.ledger.all(ctx)
	if err != nil {
		return "", err
	}
	for i := range p.size {
		item := p.item((p.reserved + i) % p.size)
		if _, ok := taken[item]; ok {
			continue
		}
		if ok, err := take(item); err != nil || ok {
			return item, err
		}
	}
	return "", errFull
}

// addressPool covers the usable addresses of a CIDR: not the network's own,
// nor in IPv4 the broadcast address.
func addressPool(l *ledger, cidr netip.Prefix) *pool {
	first := cidr.Masked().Addr().Next()
	size := 1 << min(cidr.Addr().BitLen()-cidr.Bits(), 20)
	if cidr.Addr().Is4() {
		size -= 2
	} else {
		size--
	}
	reserved := min(max(16, size/16), 256)
	if reserved >= size {
		reserved = 0
	}
	return &pool{ledger: l, size: size, reserved: reserved, item: func(i int) string { return add(first, i).String() }}
}

// portPool covers a range of ports, both ends included.
func portPool(l *ledger, first, last int) *pool {
	size := last - first + 1
	reserved := min(max(16, size/32), 128)
	if reserved >= size {
		reserved = 0
	}
	return &pool{ledger: l, size: size, reserved: reserved, item: func(i int) string { return strconv.Itoa(first + i) }}
}

// add is the address n after a.
func add(a netip.Addr, n int) netip.Addr {
	b := a.AsSlice()
	for i := len(b) - 1; i >= 0 && n > 0; i-- {
		n += int(b[i])
		b[i] = byte(n)
		n >>= 8
	}
	sum, _ := netip.AddrFromSlice(b)
	return sum
}

// ParseCIDR reads the range of cluster addresses and refuses one that is too
// small to be useful.
func ParseCIDR(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	if p.Addr() != p.Masked().Addr() {
		return netip.Prefix{}, fmt.Errorf("%s has bits set after its prefix: did you mean %s?", s, p.Masked())
	}
	if free := p.Addr().BitLen() - p.Bits(); free < 4 {
		return netip.Prefix{}, fmt.Errorf("%s holds fewer than 16 addresses: choose a shorter prefix", s)
	}
	return p, nil
}
