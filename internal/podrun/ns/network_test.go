//go:build linux && host

package ns

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/test/inside"
)

// So it is for the next agent of an ordinary user: the network that its pods
// were joined to is gone.
func TestPodsThatLostTheirNetworkEnd(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	config := testConfig(t)
	r := open(t, config)
	before := look(t, config)
	ids := map[string]string{}
	for _, name := range []string{"stays", "lost"} {
		sandbox, _, err := run(t.Context(), r, name)
		if err != nil {
			t.Fatal(err)
		}
		ids[name] = sandbox
	}
	link, err := netlink.LinkByName(interfaceName(ids["lost"]))
	if err == nil {
		err = netlink.LinkDel(link)
	}
	if err == nil {
		err = r.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	again, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	list, err := again.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]podrun.State{}
	for _, s := range list {
		if want := s.Config.Name == "stays"; s.Ready != want {
			t.Errorf("%s is ready: %t, want %t", s.Config.Name, s.Ready, want)
		}
		got[s.Config.Name] = s.Containers[0].State
	}
	if diff := cmp.Diff(map[string]podrun.State{"stays": podrun.Running, "lost": podrun.Exited}, got); diff != "" {
		t.Errorf("their containers (-want +got):\n%s", diff)
	}
	for _, id := range ids {
		if err := again.RemoveSandbox(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	settled(t, config, before)
}

// settled waits until everything is as it was.
func settled(t *testing.T, config Config, before things) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		diff := cmp.Diff(before.Processes, look(t, config).Processes) + cmp.Diff(before.Interfaces, look(t, config).Interfaces)
		if diff == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("something is left:\n%s", diff)
		}
	}
}
