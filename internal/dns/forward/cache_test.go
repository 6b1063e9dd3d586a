package forward

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

func message(t *testing.T, code int, answer, authority string) *dns.Msg {
	t.Helper()
	m := new(dns.Msg).SetQuestion("www.example.com.", dns.TypeA)
	m.Response, m.Rcode = true, code
	for text, section := range map[string]*[]dns.RR{answer: &m.Answer, authority: &m.Ns} {
		if text == "" {
			continue
		}
		r, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		*section = append(*section, r)
	}
	return m
}

// How long what is remembered: RFC 1035, 2308 and 9520, and never longer than
// the cache is told to.
func TestWhatIsRememberedAndHowLong(t *testing.T) {
	const soa = "example.com. 20 IN SOA ns.example.com. root.example.com. 1 2 3 4 10"
	for _, tt := range []struct {
		name              string
		code              int
		answer, authority string
		want              time.Duration
	}{
		{"an address", dns.RcodeSuccess, "www.example.com. 12 IN A 192.0.2.1", "", 12 * time.Second},
		{"one for a day", dns.RcodeSuccess, "www.example.com. 86400 IN A 192.0.2.1", "", 30 * time.Second},
		{"one for this moment", dns.RcodeSuccess, "www.example.com. 0 IN A 192.0.2.1", "", 0},
		{"the shortest of all", dns.RcodeSuccess, "www.example.com. 12 IN A 192.0.2.1", "example.com. 7 IN NS ns.example.com.", 7 * time.Second},
		{"no such name", dns.RcodeNameError, "", soa, 10 * time.Second},
		{"no such record", dns.RcodeSuccess, "", soa, 10 * time.Second},
		{"no such name, and nobody says for how long", dns.RcodeNameError, "", "", 0},
		{"a failure", dns.RcodeServerFailure, "", "", time.Second},
		{"a refusal", dns.RcodeRefused, "", "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMemory(10, 30*time.Second)
				m.store("key", message(t, tt.code, tt.answer, tt.authority))
				if tt.want > 0 {
					time.Sleep(tt.want)
					if _, ok := m.load("key"); !ok {
						t.Errorf("after %s it is forgotten", tt.want)
					}
				}
				time.Sleep(time.Millisecond)
				if _, ok := m.load("key"); ok {
					t.Errorf("after %s it is still remembered", tt.want)
				}
			})
		})
	}
}

func TestTTLsAreCountedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(10, 30*time.Second)
		m.store("key", message(t, dns.RcodeSuccess, "www.example.com. 300 IN A 192.0.2.1", "example.com. 25 IN NS ns.example.com."))
		time.Sleep(20500 * time.Millisecond)
		got, ok := m.load("key")
		if !ok {
			t.Fatal("it is forgotten")
		}
		if a, n := got.Answer[0].Header().Ttl, got.Ns[0].Header().Ttl; a != 10 || n != 5 {
			t.Errorf("TTLs after 20 s: got %d and %d, want 10 and 5", a, n)
		}
	})
}

func TestAHugeAnswerIsNotRemembered(t *testing.T) {
	m := newMemory(10, 30*time.Second)
	huge := message(t, dns.RcodeSuccess, "www.example.com. 300 IN A 192.0.2.1", "")
	for huge.Len() <= largest {
		huge.Answer = append(huge.Answer, huge.Answer...)
	}
	m.store("key", huge)
	if _, ok := m.load("key"); ok {
		t.Error("it is remembered")
	}
}
