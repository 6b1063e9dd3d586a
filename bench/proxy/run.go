package proxy

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"

	"k8s.io/client-go/rest"
)

// bench is one run.
type bench struct {
	Options
	token   string
	roots   *x509.CertPool    // of the peers
	admin   *rest.Config      // of Causeway's administrator
	files   map[string][]byte // that the backend serves, by name
	servers []*server
	samples Samples
	// profiled says whether Options.Profile has been written.
	profiled bool
}

// measure starts everything, checks that all proxies do the same, and puts
// the loads on them in turn.
func measure(ctx context.Context, o Options) (figures []Figure, err error) {
	b := &bench{Options: o, token: rand.Text()}
	defer func() { err = errors.Join(err, b.stop()) }()
	if b.roots, err = b.makeCertificate(); err != nil {
		return nil, err
	}
	if err := b.startBackends(ctx); err != nil {
		return nil, err
	}
	subjects, err := b.startSubjects(ctx)
	if err != nil {
		return nil, err
	}
	check, loads := b.check, cases()
	if o.Local {
		check, loads = b.checkLocal, localCases()
	}
	for _, s := range subjects {
		if err := check(ctx, s); err != nil {
			return nil, fmt.Errorf("%s does not do what it should: %w", s.name, err)
		}
	}
	if o.Soak > 0 {
		return b.soak(ctx, subjects[0])
	}
	wanted := func(name string) bool { return len(o.Cases) == 0 || slices.Contains(o.Cases, name) }
	for _, c := range loads {
		if !wanted(c.name) {
			continue
		}
		if err := b.measureCase(ctx, c, subjects); err != nil {
			return nil, err
		}
	}
	if wanted("idle") && !o.Local {
		if err := b.measureIdle(ctx, subjects); err != nil {
			return nil, err
		}
	}
	return b.samples.Figures(), nil
}

// starter starts subjects of these names.
type starter struct {
	names []string
	start func(context.Context) ([]*subject, error)
}

// startSubjects starts those that were chosen, in the order of the tables.
func (b *bench) startSubjects(ctx context.Context) ([]*subject, error) {
	one := func(start func(context.Context) (*subject, error)) func(context.Context) ([]*subject, error) {
		return func(ctx context.Context) ([]*subject, error) {
			s, err := start(ctx)
			return []*subject{s}, err
		}
	}
	var started []*subject
	all := []starter{
		{[]string{causewayName, "causeway, certificate"}, b.startCauseway},
		{[]string{"nginx"}, one(b.startNginx)},
		{[]string{"haproxy"}, one(b.startHAProxy)},
		{[]string{"httputil"}, one(b.startReverseProxy)},
	}
	if b.Local {
		if _, err := b.startCauseway(ctx); err != nil {
			return nil, err
		}
		all = []starter{
			{[]string{localName}, one(b.startLocal)},
			{[]string{LocalReference}, one(b.startKubectl)},
			{[]string{"nginx"}, one(b.startLocalNginx)},
		}
	}
	for _, all := range all {
		wanted := func(name string) bool { return len(b.Subjects) == 0 || slices.Contains(b.Subjects, name) }
		if !slices.ContainsFunc(all.names, wanted) {
			continue
		}
		subjects, err := all.start(ctx)
		if err != nil {
			return nil, err
		}
		for _, s := range subjects {
			if wanted(s.name) {
				started = append(started, s)
			}
		}
	}
	if len(started) == 0 {
		return nil, fmt.Errorf("there is no proxy of the names %q", b.Subjects)
	}
	return started, nil
}

// stop ends all servers, the last first.
func (b *bench) stop() error {
	var errs []error
	for _, s := range slices.Backward(b.servers) {
		errs = append(errs, s.stop())
	}
	return errors.Join(errs...)
}

// say tells of progress.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "  "+format+"\n", args...) }
