package htpasswd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/causeway-access/causeway/internal/authn/reload"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"
)

func hash(t testing.TB, password string) string {
	t.Helper()
	out, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// files writes a password file and a groups file.
func files(t *testing.T, passwords, groups string) Config {
	t.Helper()
	dir := t.TempDir()
	cfg := Config{File: filepath.Join(dir, "htpasswd"), GroupsFile: filepath.Join(dir, "groups"), Log: slog.New(slog.DiscardHandler)}
	write(t, cfg.File, passwords)
	write(t, cfg.GroupsFile, groups)
	return cfg
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func users(t *testing.T, cfg Config) *Users {
	t.Helper()
	u, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestPasswordsAndGroups(t *testing.T) {
	// The three prefixes in use mean the same; htpasswd -B writes $2y$.
	bob := strings.Replace(hash(t, "b:o:b"), "$2a$", "$2y$", 1)
	u := users(t, files(t,
		"# people\n\nalice:"+hash(t, "wonderland")+"\nbob:"+bob+"\r\nempty:"+hash(t, "")+"\n",
		"# teams\nsystem:masters: alice\ndevelopers: alice bob\nnobody:\n"))
	for _, tt := range []struct {
		name, password string
		groups         []string
		err            error
	}{
		{"alice", "wonderland", []string{"system:masters", "developers"}, nil},
		{"bob", "b:o:b", []string{"developers"}, nil},
		{"empty", "", nil, nil},
		{"alice", "Wonderland", nil, ErrInvalid},
		{"alice", "", nil, ErrInvalid},
		{"alice", "b:o:b", nil, ErrInvalid},
		{"Alice", "wonderland", nil, ErrInvalid},
		{"mallory", "wonderland", nil, ErrInvalid},
		{"", "", nil, ErrInvalid},
		{"# people", "", nil, ErrInvalid},
	} {
		for range 2 { // verified, then remembered
			info, err := u.Check(t.Context(), tt.name, tt.password)
			if !errors.Is(err, tt.err) {
				t.Fatalf("Check(%q, %q) error = %v, want %v", tt.name, tt.password, err, tt.err)
			}
			if err != nil {
				continue
			}
			if info.GetName() != tt.name {
				t.Errorf("name = %q, want %q", info.GetName(), tt.name)
			}
			if diff := cmp.Diff(tt.groups, info.GetGroups()); diff != "" {
				t.Errorf("groups of %s: %s", tt.name, diff)
			}
		}
	}
}

func TestWrongPasswordAfterTheRightOneIsRefused(t *testing.T) {
	u := users(t, files(t, "alice:"+hash(t, "right"), ""))
	for _, password := range []string{"right", "wrong", "right"} {
		_, err := u.Check(t.Context(), "alice", password)
		if got, want := err == nil, password == "right"; got != want {
			t.Errorf("%q accepted = %v, want %v", password, got, want)
		}
	}
}

func TestPasswordIsRememberedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := users(t, files(t, "alice:"+hash(t, "right"), ""))
		remembered := func() bool {
			return u.accounts.Get().byName["alice"].remembers(u.digest("alice", "right"))
		}
		if remembered() {
			t.Error("remembered before it was ever verified")
		}
		if _, err := u.Check(t.Context(), "alice", "right"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(Remember - time.Second)
		if !remembered() {
			t.Error("forgotten too early")
		}
		time.Sleep(2 * time.Second)
		if remembered() {
			t.Error("remembered too long")
		}
	})
}

func TestChangedFilesCountWithinSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := files(t, "alice:"+hash(t, "old"), "developers: alice")
		u := users(t, cfg)
		if _, err := u.Check(t.Context(), "alice", "old"); err != nil {
			t.Fatal(err)
		}
		write(t, cfg.File, "alice:"+hash(t, "new"))
		write(t, cfg.GroupsFile, "operators: alice")
		time.Sleep(2 * reload.Interval)
		if _, err := u.Check(t.Context(), "alice", "old"); !errors.Is(err, ErrInvalid) {
			t.Errorf("the old password: %v", err)
		}
		info, err := u.Check(t.Context(), "alice", "new")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"operators"}, info.GetGroups()); diff != "" {
			t.Error(diff)
		}
		write(t, cfg.File, "bob:"+hash(t, "new"))
		time.Sleep(2 * reload.Interval)
		if _, err := u.Check(t.Context(), "alice", "new"); !errors.Is(err, ErrInvalid) {
			t.Errorf("a removed user: %v", err)
		}
	})
}

func TestManyConnectionsOfOneBrowser(t *testing.T) {
	u := users(t, files(t, "alice:"+hash(t, "right"), ""))
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			if _, err := u.Check(t.Context(), "alice", "right"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestWaitingForAProcessorEndsWithTheRequest(t *testing.T) {
	u := users(t, files(t, "alice:"+hash(t, "right"), ""))
	for range cap(u.slots) {
		u.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := u.Check(ctx, "alice", "right"); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want %v", err, context.Canceled)
	}
}

// Unknown users are compared with the costliest hash of the file.
func TestDecoyCostsAsMuchAsTheCostliestUser(t *testing.T) {
	costly, err := bcrypt.GenerateFromPassword([]byte("x"), bcrypt.MinCost+2)
	if err != nil {
		t.Fatal(err)
	}
	table, err := parsePasswords(fmt.Appendf(nil, "a:%s\nb:%s\nc:%s\n", hash(t, "x"), costly, hash(t, "x")))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(table.decoy, costly) {
		t.Errorf("decoy = %s, want %s", table.decoy, costly)
	}
}

func TestBadFilesAreRefusedWithTheLine(t *testing.T) {
	good := "alice:" + hash(t, "x") + "\n"
	for _, tt := range []struct{ name, passwords, groups, want string }{
		{"MD5", good + "bob:$apr1$abc$0123456789012345678901", "", `line 2: the password of "bob" is not hashed with bcrypt`},
		{"plain", "bob:secret", "", "not hashed with bcrypt"},
		{"SHA-1", "bob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "", "not hashed with bcrypt"},
		{"no colon", "bob", "", "line 1: want user:hash"},
		{"no name", ":x", "", "want user:hash"},
		{"twice", good + good, "", `line 2: user "alice" is there twice`},
		{"cost that stops the server", "bob:" + strings.Replace(hash(t, "x"), "$04$", "$31$", 1), "", "cost 31"},
		{"groups without colon", good, "developers alice", "groups: line 1: want `group: user user ...`"},
		{"groups without name", good, ": alice", "line 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Open(t.Context(), files(t, tt.passwords, tt.groups))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one that says %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error quotes the password: %v", err)
			}
		})
	}
}

func FuzzPasswords(f *testing.F) {
	f.Add([]byte("alice:" + hash(f, "x")))
	f.Add([]byte("# c\n\nalice:$2y$04$abc\n:\n"))
	f.Add([]byte("a:b:c"))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := parsePasswords(data)
		if err != nil {
			return
		}
		for name, account := range table.byName {
			if name == "" || strings.ContainsAny(name, ":\n") {
				t.Errorf("impossible user %q", name)
			}
			if cost, err := bcrypt.Cost(account.hash); err != nil || cost > maxCost {
				t.Errorf("user %q has cost %d, %v", name, cost, err)
			}
		}
		if len(table.byName) > 0 && table.decoy == nil {
			t.Error("no decoy though there are users")
		}
	})
}

func FuzzGroups(f *testing.F) {
	f.Add([]byte("system:masters: alice\ndevelopers: alice bob"))
	f.Add([]byte("a:\nb: \n:c d"))
	f.Fuzz(func(t *testing.T, data []byte) {
		groups, err := parseGroups(data)
		if err != nil {
			return
		}
		for member, in := range groups {
			if member == "" || slices.Contains(in, "") {
				t.Errorf("groups of %q: %q", member, in)
			}
		}
	})
}
