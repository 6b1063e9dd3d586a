package pods

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBackOffDoublesAndBeginsAnewAfterALongLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := BackOff{}.or(10*time.Second, 5*time.Minute)
		var b backoff
		var waits []time.Duration
		fail := func(life time.Duration) {
			time.Sleep(life)
			left := b.left(limits, time.Now(), time.Now())
			waits = append(waits, left)
			time.Sleep(left)
			if again := b.left(limits, time.Now().Add(-left), time.Now()); again != 0 {
				t.Errorf("after %s it is to wait for another %s", left, again)
			}
			b.next(limits, time.Now())
		}
		for range 8 {
			fail(time.Second)
		}
		fail(10*time.Minute + time.Second)
		fail(time.Second)
		s := time.Second
		want := []time.Duration{0, 10 * s, 20 * s, 40 * s, 80 * s, 160 * s, 300 * s, 300 * s, 0, 10 * s}
		if diff := cmp.Diff(want, waits); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
