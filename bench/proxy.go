package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/causeway-access/causeway/bench/proxy"
)

// proxySuite measures the access path beside other proxies; see package proxy.
func proxySuite(ctx context.Context, b *bench) error {
	o := b.proxy
	o.Rounds, o.Program, o.Dir = b.rounds, b.program, filepath.Join(b.dir, "proxy")
	o.Cases, o.Subjects = split(b.cases, ","), split(b.subjects, ";")
	if o.Soak > 0 {
		o.Subjects = []string{"causeway"}
	}
	if err := os.Mkdir(o.Dir, 0o755); err != nil {
		return err
	}
	var err error
	if o.Profile != "" {
		if o.Profile, err = filepath.Abs(o.Profile); err != nil {
			return err
		}
	}
	if o.ReverseProxy, err = b.build(ctx, "./bench/reverseproxy"); err != nil {
		return err
	}
	if o.Sink, err = b.build(ctx, "./bench/sink"); err != nil {
		return err
	}
	return b.runProxy(ctx, o, proxy.Reference)
}

// localSuite measures local proxies; see package proxy.
func localSuite(ctx context.Context, b *bench) error {
	o := b.proxy
	o.Local, o.Soak, o.Profile = true, 0, ""
	o.Rounds, o.Program, o.Dir = b.rounds, b.program, filepath.Join(b.dir, "local")
	o.Cases, o.Subjects = split(b.cases, ","), split(b.subjects, ";")
	if err := os.Mkdir(o.Dir, 0o755); err != nil {
		return err
	}
	var err error
	if o.Sink, err = b.build(ctx, "./bench/sink"); err != nil {
		return err
	}
	return b.runProxy(ctx, o, proxy.LocalReference)
}

// runProxy reports the figures, each beside that of the reference.
func (b *bench) runProxy(ctx context.Context, o proxy.Options, referenceName string) error {
	figures, err := proxy.Run(ctx, o)
	if err != nil {
		return err
	}
	b.addProxy(figures, referenceName)
	return nil
}

func (b *bench) addProxy(figures []proxy.Figure, referenceName string) {
	reference := map[string]float64{}
	for _, f := range figures {
		if f.Subject == referenceName {
			reference[f.Case+"\n"+f.Name] = f.Value
		}
	}
	for _, f := range figures {
		row := figure{Suite: b.report.suite, Case: f.Case, Subject: f.Subject, Name: f.Name, Unit: f.Unit, Value: f.Value, Low: f.Low, High: f.High}
		if peer, ok := reference[f.Case+"\n"+f.Name]; ok && peer != 0 && f.Compare {
			row.PeerName, row.Peer, row.Ratio = referenceName, peer, f.Value/peer
		}
		b.report.figures = append(b.report.figures, row)
	}
}

// split is a list without empty elements.
func split(list, separator string) []string {
	var all []string
	for _, word := range strings.Split(list, separator) {
		if word = strings.TrimSpace(word); word != "" {
			all = append(all, word)
		}
	}
	return all
}
