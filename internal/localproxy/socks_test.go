package localproxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
)

func TestReadSOCKSRequest(t *testing.T) {
	name := func(host string) string { return "\x03" + string(rune(len(host))) + host + "\x15\x38" }
	tests := []struct {
		bytes, want string
		reply       byte
	}{
		{bytes: "\x05\x01\x00" + name("db.shop"), want: "db.shop:5432"},
		{bytes: "\x05\x02\x00" + name("db.shop"), reply: socksNoCommand},
		{bytes: "\x05\x03\x00" + name("db.shop"), reply: socksNoCommand},
		{bytes: "\x04\x01\x00" + name("db.shop"), reply: socksFailed},
		{bytes: "\x05\x01\x00\x01\x0a\x00\x00\x01\x00\x50", reply: socksNotAllowed},
		{bytes: "\x05\x01\x00\x04" + string(make([]byte, 18)), reply: socksNotAllowed},
		{bytes: "\x05\x01\x00\x02", reply: socksNoAddressType},
	}
	for _, test := range tests {
		got, err := readSOCKSRequest(bytes.NewReader([]byte(test.bytes)))
		var failed *socksError
		if errors.As(err, &failed) != (test.reply != 0) || failed != nil && failed.reply != test.reply || got != test.want {
			t.Errorf("%q: %q, %v, want %q and reply %d", test.bytes, got, err, test.want, test.reply)
		}
	}
}

// FuzzSOCKS reads any greeting and request: no panic, no byte too many, and a
// host and port that can be split again.
func FuzzSOCKS(f *testing.F) {
	f.Add([]byte("\x05\x01\x00\x05\x01\x00\x03\x07db.shop\x15\x38rest"))
	f.Add([]byte("\x05\x00"))
	f.Add([]byte("\x05\x02\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50"))
	f.Add([]byte("POST / HTTP/1.1\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		if ok, err := readSOCKSMethods(r); !ok || err != nil {
			return
		}
		before := r.Len()
		authority, err := readSOCKSRequest(r)
		if err != nil {
			return
		}
		rest, _ := io.ReadAll(r)
		request := data[len(data)-before : len(data)-len(rest)]
		if request[0] != socksVersion || len(request) != 7+int(request[4]) {
			t.Errorf("%q was read as %q", request, authority)
		}
		if _, port, err := net.SplitHostPort(authority); err == nil && port == "" {
			t.Errorf("%q has no port", authority)
		}
	})
}
