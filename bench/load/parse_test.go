package load

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Outputs of the tools as they were: good, every answer an error, nobody there.
const (
	wrkGood = `Running 1s test @ https://127.0.0.1:18443/1k
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     8.19ms   21.41ms 128.13ms   91.02%
    Req/Sec     8.90k     7.81k   25.31k    87.50%
  8730 requests in 1.07s, 10.52MB read
Requests/sec:   8145.85
Transfer/sec:      9.82MB
result {"requests":8730,"failed":0,"bytes":11034680,"duration":1071711,"p50":411,"p99":113325}
`
	wrkNotFound = `Running 1s test @ https://127.0.0.1:18443/2k
  12384 requests in 1.13s, 3.64MB read
  Non-2xx or 3xx responses: 12384
result {"requests":12384,"failed":12384,"bytes":3814232,"duration":1128755,"p50":285,"p99":96410}
`
	h2loadGood = `starting benchmark...
TLS Protocol: TLSv1.2
Cipher: ECDHE-ECDSA-AES128-GCM-SHA256
Server Temp Key: X25519 253 bits
Application protocol: h2
Main benchmark duration is over for thread #0. Stopping all clients.

finished in 1.02s, 2000.00 req/s, 2.19MB/s
requests: 2003 total, 2006 started, 2003 done, 2000 succeeded, 3 failed, 3 errored, 0 timeout
status codes: 2000 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 2.19MB (2300132) total, 210.94KB (216000) headers (space savings 39.66%), 1.95MB (2048000) data
                     min         max         mean         sd        +/- sd
time for request:       53us    246.95ms      3.01ms     17.67ms    98.70%
`
	h2loadNotFound = `Application protocol: h2
finished in 1.02s, 2000.00 req/s, 431.77KB/s
requests: 2004 total, 2006 started, 2004 done, 0 succeeded, 2004 failed, 4 errored, 0 timeout
status codes: 0 2xx, 0 3xx, 2000 4xx, 0 5xx
traffic: 431.77KB (442132) total, 97.66KB (100000) headers (space savings 49.49%), 298.83KB (306000) data
`
	h2loadNobody = `finished in 1.08s, 0.00 req/s, 0B/s
requests: 0 total, 0 started, 0 done, 0 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 0 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 0B (0) total, 0B (0) headers (space savings 0.00%), 0B (0) data
`
	h2loadLog = "1795240711472363\t200\t638\n1795240711472364\t200\t763\n1795240711472365\t404\t770\n"
)

func TestOutputOfTools(t *testing.T) {
	const ms = time.Millisecond
	for _, row := range []struct {
		name  string
		parse func(string) (Result, error)
		text  string
		want  Result // the zero value if it is to be an error
	}{
		{"wrk", parseWrk, wrkGood, Result{Requests: 8730, Bytes: 11034680, Duration: 1071711 * time.Microsecond, P50: 411 * time.Microsecond, P99: 113325 * time.Microsecond}},
		{"wrk, all not found", parseWrk, wrkNotFound, Result{Failed: 12384, Bytes: 3814232, Duration: 1128755 * time.Microsecond, P50: 285 * time.Microsecond, P99: 96410 * time.Microsecond}},
		{"wrk, cut", parseWrk, wrkGood[:len(wrkGood)-10], Result{}},
		{"wrk, nothing", parseWrk, "", Result{}},
		{"wrk, more failures than requests", parseWrk, `result {"requests":1,"failed":2,"duration":1}`, Result{}},
		{"h2load", parseH2load, h2loadGood, Result{Requests: 2000, Failed: 3, Bytes: 2048000}},
		{"h2load, all not found", parseH2load, h2loadNotFound, Result{Failed: 2004, Bytes: 306000}},
		{"h2load, nobody there", parseH2load, h2loadNobody, Result{}},
		{"h2load, cut", parseH2load, h2loadGood[:300], Result{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := row.parse(row.text)
			if (err != nil) != (row.want == Result{}) {
				t.Errorf("error is %v", err)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	times, err := parseH2loadLog(h2loadLog)
	if diff := cmp.Diff([]time.Duration{638 * ms / 1000, 763 * ms / 1000}, times); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, bad := range []string{"", "1\t404\t5\n", "1\t200\n", "1\t200\tx\n", "1\t200\t-5\n"} {
		if times, err := parseH2loadLog(bad); err == nil {
			t.Errorf("%q gives %v, want an error", bad, times)
		}
	}
}

func TestAnswersAreChecked(t *testing.T) {
	good := Result{Requests: 1000, Bytes: 1000 * 1100, Duration: time.Second}
	for name, row := range map[string]struct {
		change func(*Result)
		ok     bool
	}{
		"good":             {func(*Result) {}, true},
		"one failed":       {func(r *Result) { r.Failed = 1 }, false},
		"none":             {func(r *Result) { r.Requests, r.Bytes = 0, 0 }, false},
		"empty bodies":     {func(r *Result) { r.Bytes = 1000 * 200 }, false},
		"some cut":         {func(r *Result) { r.Bytes = 990 * 1024 }, true},
		"error pages":      {func(r *Result) { r.Bytes = 1000 * 5000 }, false},
		"more than in all": {func(r *Result) { r.Bytes = 1100 * 2048 }, false},
	} {
		r := good
		row.change(&r)
		if err := r.Check(1024, 32); (err == nil) != row.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzWrk(f *testing.F) {
	f.Add(wrkGood)
	f.Add(wrkNotFound)
	f.Fuzz(func(t *testing.T, text string) { plausible(t, parseWrk, text) })
}

func FuzzH2load(f *testing.F) {
	f.Add(h2loadGood)
	f.Add(h2loadNotFound)
	f.Add(h2loadNobody)
	f.Fuzz(func(t *testing.T, text string) { plausible(t, parseH2load, text) })
}

func FuzzH2loadLog(f *testing.F) {
	f.Add(h2loadLog)
	f.Fuzz(func(t *testing.T, text string) {
		times, err := parseH2loadLog(text)
		if (err == nil) != (len(times) > 0) {
			t.Errorf("%d times and error %v", len(times), err)
		}
		for _, d := range times {
			if d < 0 {
				t.Errorf("a request took %v", d)
			}
		}
	})
}

// plausible holds a result against what every one must be.
func plausible(t *testing.T, parse func(string) (Result, error), text string) {
	t.Helper()
	r, err := parse(text)
	if err != nil && r != (Result{}) {
		t.Errorf("an error, and yet %+v", r)
	}
	if r.Requests < 0 || r.Failed < 0 || r.Bytes < 0 || r.Duration < 0 || r.P50 < 0 || r.P99 < 0 {
		t.Errorf("%+v cannot be", r)
	}
}
