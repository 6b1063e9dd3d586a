//go:build linux

package apart

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/certs"
)

// What the process inside logs is logged here at its level; what else it writes,
// such as why it died, is an error.
func TestWhatIsLoggedInsideIsLoggedHere(t *testing.T) {
	for line, want := range map[string]string{
		`{"time":"2026-11-21T23:00:00Z","level":"WARN","msg":"It rains","pods":3,"error":"wet"}`: `level=WARN msg="It rains" error=wet pods=3`,
		`{"level":"INFO","msg":"Dry"}`:     `level=INFO msg=Dry`,
		`{"level":"DEBUG","msg":"Hidden"}`: ``,
		`{"level":"LOUD","msg":"What?"}`:   `level=ERROR msg="The node's agent says" line="{\"level\":\"LOUD\",\"msg\":\"What?\"}\n"`,
		`{"level":"INFO"}`:                 `level=ERROR msg="The node's agent says" line="{\"level\":\"INFO\"}\n"`,
		`panic: no more`:                   `level=ERROR msg="The node's agent says" line="panic: no more\n"`,
	} {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		relay(io.NopCloser(strings.NewReader(line+"\n")), log)
		if d := cmp.Diff(want, strings.TrimSuffix(out.String(), "\n")); d != "" {
			t.Errorf("%s (-want +got):\n%s", line, d)
		}
	}
}

func FuzzRelayedLines(f *testing.F) {
	f.Add([]byte(`{"level":"INFO","msg":"Dry","a":{"b":[1,null]}}`))
	f.Add([]byte("panic: no more\n\ngoroutine 1 [running]:"))
	f.Add([]byte(`{"level":7,"msg":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var count counted
		relay(io.NopCloser(bytes.NewReader(text)), slog.New(&count))
		if want := len(bytes.SplitAfter(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))); len(text) > 0 && int(count) != want {
			t.Errorf("%q: %d lines are logged, want %d", text, count, want)
		}
	})
}

// counted counts records.
type counted int

func (*counted) Enabled(context.Context, slog.Level) bool    { return true }
func (c *counted) Handle(context.Context, slog.Record) error { *c++; return nil }
func (c *counted) WithAttrs([]slog.Attr) slog.Handler        { return c }
func (c *counted) WithGroup(string) slog.Handler             { return c }

// The certificate of the node's API may come later, and is renewed by somebody else.
func TestTheCertificateIsThatOfTheFile(t *testing.T) {
	authority, err := certs.OpenAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "serving.pem")
	s := &Settings{ServingCert: file, ServingKey: file}
	if _, err := s.certificate(nil); err == nil {
		t.Error("there is one before it has been issued")
	}
	for _, name := range []string{"first", "second"} {
		certificate, key, err := authority.Issue(certs.Leaf{CommonName: name, Server: true, DNSNames: []string{name}, Validity: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(certificate, key...), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := s.certificate(nil)
		if err != nil || got.Leaf.Subject.CommonName != name {
			t.Errorf("it is %v, %v; want that of %s", got, err, name)
		}
	}
}

// What is passed to the process inside has secrets in it, perhaps.
func TestWhatIsPassedOnIsNowhere(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	f, err := inMemory([]byte("task"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if text, err := io.ReadAll(f); err != nil || string(text) != "task" {
		t.Errorf("read: %q, %v", text, err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
