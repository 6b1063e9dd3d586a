package observe

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// fuzzed is a request in which everything that others choose is odd.
func fuzzed(text string, n int64) *Line {
	l := &Line{
		ID: text, Start: time.UnixMicro(1763702400123456), End: time.UnixMicro(1763702401000007), Method: text, Path: text, Query: text,
		Client: text, UserAgent: text, Backend: text, Status: 200, Sent: n, Received: n / 2, Retries: int(n % 3), Err: errors.New(text),
		User: &user.DefaultInfo{Name: text, UID: text, Groups: []string{text, "g"}, Extra: map[string][]string{text: {text}}},
	}
	if n%2 == 0 {
		l.Decision, l.Caller = "allow", &user.DefaultInfo{Name: "caller"}
	}
	if n%5 == 4 {
		l.User, l.Caller = nil, nil
	}
	l.Attributes = authorizer.AttributesRecord{Verb: "get", Resource: "pods", Subresource: "proxy", Namespace: text, Name: text, APIGroup: text, APIVersion: "v1"}
	l.about = aboutOf(l.Attributes)
	return l
}

// What is encoded by hand is read by the audit API's own decoder as the event
// that its library would have written, and each line is one line of JSON.
func FuzzEncode(f *testing.F) {
	for i, text := range []string{
		"", "plain", "a=b&c", "longer than eight bytes, and quoted: \"", "seven7\x7f", "1234567\"8", "1234567\\8", "1234567é8", "\x1f2345678", "\"quoted\\\"", "line\nfeed\r\t\x00\x1b[31m\x7f", "ümlaut 世界 😀", "\xff\xfe broken \xe4\xb8", "\u2028\u2029\u0085\ufffd", strings.Repeat("long&", 100), "&&=&", "<script>",
	} {
		f.Add(text, int64(i))
	}
	f.Fuzz(func(t *testing.T, text string, n int64) {
		l, now := fuzzed(text, n), clock{}
		encoded := l.appendEvent(nil, &now, auditinternal.StageResponseComplete)
		checkLine(t, encoded)
		library, err := runtime.Encode(audit.Codecs.LegacyCodec(auditv1.SchemeGroupVersion), l.event(auditinternal.StageResponseComplete))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(decode(t, library), decode(t, encoded)); diff != "" {
			t.Errorf("%s\n-library's +ours:\n%s", encoded, diff)
		}

		access := l.appendAccess(nil, &now)
		checkLine(t, access)
		var fields struct{ URI, User, Name string }
		if err := json.Unmarshal(access, &fields); err != nil {
			t.Fatalf("%s: %v", access, err)
		}
		user := ""
		if l.User != nil {
			user = valid(text)
		}
		if uri := valid(text + redact(text)); fields.URI != uri || fields.User != user || fields.Name != valid(text) {
			t.Errorf("%s: got %q, want the URI %q, the user %q and the name %q", access, fields, uri, user, text)
		}
	})
}

// decode reads an event as programs do that read audit logs.
func decode(t *testing.T, line []byte) *auditinternal.Event {
	t.Helper()
	var ev auditinternal.Event
	if err := runtime.DecodeInto(audit.Codecs.UniversalDecoder(), line, &ev); err != nil {
		t.Fatalf("decoding %s: %v", line, err)
	}
	return &ev
}

// valid is text as JSON can hold it: each byte that is no UTF-8 is replaced.
func valid(text string) string { return string([]rune(text)) }

// Where nothing needs escaping, the two are the same bytes in the same order.
func TestEventsReadAsTheLibrarysByteForByte(t *testing.T) {
	for n := range int64(6) {
		l, now := fuzzed("plain", n), clock{}
		if u, ok := l.User.(*user.DefaultInfo); ok {
			u.Extra = nil // in no order
		}
		got := l.appendEvent(nil, &now, auditinternal.StagePanic)
		want, err := runtime.Encode(audit.Codecs.LegacyCodec(auditv1.SchemeGroupVersion), l.event(auditinternal.StagePanic))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("-library's +ours:\n%s", diff)
		}
	}
}

func checkLine(t *testing.T, line []byte) {
	t.Helper()
	text, ok := strings.CutSuffix(string(line), "\n")
	if !ok || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) || !json.Valid(line) {
		t.Errorf("%q is not one line of JSON", line)
	}
}
