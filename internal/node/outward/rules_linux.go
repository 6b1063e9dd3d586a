package outward

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Offsets and the length of addresses in a header of IPv4 (RFC 791).
const (
	sourceOffset      = 12
	destinationOffset = 16
	addressLength     = 4
)

// write makes the table and its rules, or the rules anew, in one step, between
// which no packet goes untranslated. What is handed to the agent goes to port,
// where it listens.
func write(cfg Config, port uint16, detours []netip.Prefix) error {
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("speaking to nftables: %w", err)
	}
	table := &nftables.Table{Name: cfg.Table, Family: nftables.TableFamilyIPv4}
	c.AddTable(table)
	out := chain{name: "outward", hook: nftables.ChainHookPostrouting, priority: nftables.ChainPriorityNATSource}
	if cfg.Dial == nil {
		out.rules = [][]expr.Any{append(outside(cfg), &expr.Masq{FullyRandom: true})}
	} else {
		out.hook, out.priority = nftables.ChainHookPrerouting, nftables.ChainPriorityNATDest
		out.rules = [][]expr.Any{append(outside(cfg), redirect(port)...)}
	}
	out.add(c, table)
	if cfg.Detours != nil {
		pods := chain{name: "detours", hook: nftables.ChainHookPrerouting, priority: nftables.ChainPriorityNATDest}
		own := chain{name: "own-detours", hook: nftables.ChainHookOutput, priority: nftables.ChainPriorityNATDest}
		for _, p := range detours {
			to := append(within(destinationOffset, expr.CmpOpEq, p), within(destinationOffset, expr.CmpOpNeq, cfg.Pods)...)
			to = append(to, redirect(port)...)
			pods.rules = append(pods.rules, append(within(sourceOffset, expr.CmpOpEq, cfg.Pods), to...))
			own.rules = append(own.rules, to)
		}
		pods.add(c, table)
		own.add(c, table)
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("writing rules of nftables: %w", err)
	}
	return nil
}

// chain is one of the table, with its rules.
type chain struct {
	name     string
	hook     *nftables.ChainHook
	priority *nftables.ChainPriority
	rules    [][]expr.Any
}

// add adds it, with no other rules than these.
func (ch chain) add(c *nftables.Conn, table *nftables.Table) {
	added := &nftables.Chain{Table: table, Name: ch.name, Type: nftables.ChainTypeNAT, Hooknum: ch.hook, Priority: ch.priority}
	c.AddChain(added)
	c.FlushChain(added)
	for _, rule := range ch.rules {
		c.AddRule(&nftables.Rule{Table: table, Chain: added, Exprs: rule})
	}
}

// outside matches what this node's pods send to what is not the cluster's.
func outside(cfg Config) []expr.Any {
	match := within(sourceOffset, expr.CmpOpEq, cfg.Pods)
	match = append(match, within(destinationOffset, expr.CmpOpNeq, cfg.Pods)...)
	for _, p := range cfg.Cluster {
		if p.Addr().Is4() {
			match = append(match, within(destinationOffset, expr.CmpOpNeq, p)...)
		}
	}
	return match
}

// within compares the network part of an address of the packet.
func within(offset uint32, op expr.CmpOp, p netip.Prefix) []expr.Any {
	const register = 1
	mask := binaryutil.BigEndian.PutUint32(^uint32(0) << (32 - p.Bits()))
	network := p.Masked().Addr().As4()
	return []expr.Any{
		&expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: addressLength},
		&expr.Bitwise{SourceRegister: register, DestRegister: register, Len: addressLength, Mask: mask, Xor: make([]byte, addressLength)},
		&expr.Cmp{Op: op, Register: register, Data: network[:]},
	}
}

// redirect hands TCP to a port of this machine.
func redirect(port uint16) []expr.Any {
	const register = 1
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register},
		&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: []byte{unix.IPPROTO_TCP}},
		&expr.Immediate{Register: register, Data: binaryutil.BigEndian.PutUint16(port)},
		&expr.Redir{RegisterProtoMin: register},
	}
}

// Remove removes a node's rules, if there are any.
func Remove(table string) error {
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("speaking to nftables: %w", err)
	}
	c.DelTable(&nftables.Table{Name: table, Family: nftables.TableFamilyIPv4})
	err = c.Flush()
	// Who may not touch the network, or has a kernel without nftables, has no rules.
	for _, none := range []error{syscall.ENOENT, syscall.EPERM, syscall.EOPNOTSUPP, syscall.EPROTONOSUPPORT} {
		if errors.Is(err, none) {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("removing rules of nftables: %w", err)
	}
	return nil
}
