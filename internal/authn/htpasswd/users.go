// Package htpasswd checks users and passwords against an Apache htpasswd file
// (floor F1).
//
// Only bcrypt is taken (`htpasswd -B`); the other hashes of the format fall to
// anyone who steals the file. The optional groups file has the format of
// Apache's AuthGroupFile, one group a line:
//
//	system:masters: alice
//	developers: alice bob
//
// The group ends at the first colon that a space follows, so that groups may
// hold colons. Both files may have blank lines and lines that begin with #, and
// are read again within seconds of a change.
//
// bcrypt is slow by design, too slow for every request of a page with fifty
// images. So the one password that was right is remembered per user, as a
// keyed digest: HMAC-SHA256 under a key that this process drew and never shows.
// It is forgotten when the file changes and after Remember.
package htpasswd

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/causeway-access/causeway/internal/authn/reload"
	"golang.org/x/crypto/bcrypt"
	"k8s.io/apiserver/pkg/authentication/user"
)

// Remember is how long a verified password is taken without bcrypt.
const Remember = 15 * time.Minute

// ErrInvalid is all that a caller learns: not whether the user exists.
var ErrInvalid = errors.New("invalid user name or password")

// Config names the files.
type Config struct {
	// File is the htpasswd file.
	File string
	// GroupsFile is optional; without it users are in no group of their own.
	GroupsFile string
	// Log hears of changed and of bad files; slog.Default() if nil.
	Log *slog.Logger
}

// Users checks passwords. It is safe for concurrent use.
type Users struct {
	accounts *reload.File[*accounts]
	groups   *reload.File[map[string][]string]
	key      [32]byte
	// slots bounds the bcrypt runs at one time, so that guessing passwords
	// cannot take the processors away from everybody else.
	slots chan struct{}
}

type accounts struct {
	byName map[string]*account
	// decoy is the costliest hash of the file; unknown users are compared with
	// it, so that the time taken does not tell who exists.
	decoy []byte
}

type account struct {
	hash     []byte
	verified atomic.Pointer[verified]
}

// verified is the digest of the password that was right, and until when it
// counts.
type verified struct {
	digest [sha256.Size]byte
	until  time.Time
}

// Open reads the files and watches them until ctx ends.
func Open(ctx context.Context, cfg Config) (*Users, error) {
	u := &Users{slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
	if _, err := rand.Read(u.key[:]); err != nil {
		return nil, err
	}
	var err error
	if u.accounts, err = reload.Watch(ctx, cfg.File, cfg.Log, parsePasswords); err != nil {
		return nil, err
	}
	if cfg.GroupsFile == "" {
		return u, nil
	}
	if u.groups, err = reload.Watch(ctx, cfg.GroupsFile, cfg.Log, parseGroups); err != nil {
		return nil, err
	}
	return u, nil
}

// Check returns who the user is, or ErrInvalid, or the error of ctx.
func (u *Users) Check(ctx context.Context, name, password string) (user.Info, error) {
	table := u.accounts.Get()
	who := table.byName[name]
	digest := u.digest(name, password)
	if who.remembers(digest) {
		return u.info(name), nil
	}
	select {
	case u.slots <- struct{}{}:
		defer func() { <-u.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if who == nil {
		_ = bcrypt.CompareHashAndPassword(table.decoy, []byte(password))
		return nil, ErrInvalid
	}
	// A browser opens many connections at once; the first of them has verified
	// the password while the others waited for a slot.
	if !who.remembers(digest) {
		if bcrypt.CompareHashAndPassword(who.hash, []byte(password)) != nil {
			return nil, ErrInvalid
		}
		who.verified.Store(&verified{digest: digest, until: time.Now().Add(Remember)})
	}
	return u.info(name), nil
}

// remembers is false for an unknown user, at the same cost as for a known one.
func (a *account) remembers(digest [sha256.Size]byte) bool {
	var last verified
	if a != nil {
		if v := a.verified.Load(); v != nil {
			last = *v
		}
	}
	same := subtle.ConstantTimeCompare(last.digest[:], digest[:]) == 1
	return same && time.Now().Before(last.until)
}

func (u *Users) digest(name, password string) (out [sha256.Size]byte) {
	mac := hmac.New(sha256.New, u.key[:])
	mac.Write([]byte(name))
	mac.Write([]byte{0}) // no name holds it: the files are lines of text
	mac.Write([]byte(password))
	mac.Sum(out[:0])
	return out
}

func (u *Users) info(name string) user.Info {
	info := &user.DefaultInfo{Name: name}
	if u.groups != nil {
		info.Groups = u.groups.Get()[name]
	}
	return info
}
