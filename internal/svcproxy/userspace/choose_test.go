package userspace

import (
	"net/netip"
	"testing"
	"time"

	"github.com/causeway-access/causeway/internal/svcproxy"
)

func endpoints(texts ...string) (out []netip.AddrPort) {
	for _, t := range texts {
		out = append(out, netip.MustParseAddrPort(t))
	}
	return out
}

var (
	one, two, three = "10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"
	ann             = netip.MustParseAddr("10.244.0.7")
	bob             = netip.MustParseAddr("10.244.0.8")
)

// picks counts what a client is given in turn.
func picks(c *chooser, client netip.Addr, n int, now time.Time) map[string]int {
	got := map[string]int{}
	for range n {
		e, ok := c.pick(client, nil, now)
		if !ok {
			got["none"]++
			continue
		}
		got[e.String()]++
	}
	return got
}

func TestEndpointsTakeTurns(t *testing.T) {
	c := newChooser(&svcproxy.Rule{Endpoints: endpoints(one, two, three)})
	got := picks(c, ann, 9, time.Now())
	for _, e := range []string{one, two, three} {
		if got[e] != 3 {
			t.Errorf("%s was picked %d times of 9, want 3", e, got[e])
		}
	}
}

func TestFailedEndpointsComeLastForAWhile(t *testing.T) {
	c, now := newChooser(&svcproxy.Rule{Endpoints: endpoints(one, two)}), time.Now()
	c.failed(netip.MustParseAddrPort(one), now)
	if got := picks(c, ann, 4, now); got[one] != 0 {
		t.Errorf("%s was picked at once after it had failed", one)
	}
	if e, ok := c.pick(ann, endpoints(two), now); !ok || e.String() != one {
		t.Errorf("when the other was tried: %s, %t, want %s", e, ok, one)
	}
	if _, ok := c.pick(ann, endpoints(one, two), now); ok {
		t.Error("there is one after all were tried")
	}
	if got := picks(c, ann, 4, now.Add(asideFor)); got[one] != 2 {
		t.Errorf("later %s was picked %d times of 4, want 2", one, got[one])
	}
}

func TestAClientKeepsHisEndpoint(t *testing.T) {
	const stays = time.Minute
	rule := func(e ...string) *svcproxy.Rule {
		return &svcproxy.Rule{Endpoints: endpoints(e...), Affinity: stays}
	}
	now := time.Now()
	c := newChooser(rule(one, two, three))
	first, _ := c.pick(ann, nil, now)
	if got := picks(c, ann, 10, now); got[first.String()] != 10 {
		t.Errorf("the client was given %v, want only %s", got, first)
	}
	if got := picks(c, bob, 1, now); got[first.String()] != 0 {
		t.Error("the next client was given the same as the first")
	}
	// Each use makes it longer.
	now = now.Add(stays - 1)
	picks(c, ann, 1, now)
	now = now.Add(stays - 1)
	if e, _ := c.pick(ann, nil, now); e != first {
		t.Errorf("the client lost his endpoint before its time")
	}
	now = now.Add(stays)
	if e, _ := c.pick(ann, nil, now); e == first {
		t.Errorf("the client kept his endpoint for too long")
	}

	// It is gone, or cannot be reached: another one, and that for good.
	c.follow(rule(two, three))
	kept, _ := c.pick(ann, nil, now)
	c.failed(kept, now)
	other, _ := c.pick(ann, endpoints(kept.String()), now)
	if other == kept {
		t.Fatal("the client was given what he has tried")
	}
	c.follow(rule(one, two, three))
	now = now.Add(asideFor)
	if got := picks(c, ann, 6, now); got[other.String()] != 6 {
		t.Errorf("then the client was given %v, want only %s", got, other)
	}
}

func TestClientsKeptAreBounded(t *testing.T) {
	c := newChooser(&svcproxy.Rule{Endpoints: endpoints(one, two), Affinity: time.Hour})
	now, client := time.Now(), netip.MustParseAddr("10.0.0.0")
	for range mostKept + 500 {
		client = client.Next()
		c.pick(client, nil, now)
	}
	if n := len(c.kept); n != mostKept {
		t.Errorf("%d clients are remembered, want %d", n, mostKept)
	}
	c.pick(ann, nil, now)
	if e, _ := c.pick(ann, nil, now); e != c.kept[ann].endpoint {
		t.Error("the last client to come has not kept his endpoint")
	}
}

func TestClientsThatAreOverAreForgotten(t *testing.T) {
	c := newChooser(&svcproxy.Rule{Endpoints: endpoints(one, two), Affinity: time.Hour})
	now, client := time.Now(), netip.MustParseAddr("10.0.0.0")
	for range firstSweep {
		client = client.Next()
		c.pick(client, nil, now)
	}
	c.pick(ann, nil, now.Add(time.Hour))
	if n := len(c.kept); n != 1 {
		t.Errorf("%d clients are remembered, want the last", n)
	}
}
