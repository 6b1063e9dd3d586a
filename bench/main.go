// Command bench measures Causeway beside its peers, in one run on one
// machine: absolute figures mean little, ratios something. `make bench` runs
// it; it prints tables, and writes all figures as JSON.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// suites are the groups of measurements, in the order in which they run.
func suites() []suite {
	return []suite{
		{"control", "start, memory, writes, lists and watches of the API server, beside a bare etcd", control},
		{"build", "size of the binary, and with -clean-build the time of a build from nothing", build},
	}
}

type suite struct {
	name, about string
	run         func(ctx context.Context, b *bench) error
}

func main() {
	b := &bench{}
	var only string
	flag.StringVar(&only, "only", "", "comma-separated suites to run (default: all)")
	flag.StringVar(&b.out, "json", "", "file for the figures as JSON")
	flag.IntVar(&b.rounds, "rounds", 5, "how often each measurement is repeated; the median is shown")
	flag.BoolVar(&b.cleanBuild, "clean-build", false, "also measure a build with an empty cache (minutes)")
	flag.Usage = usage
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := b.run(ctx, only); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprintln(flag.CommandLine.Output(), "Usage: go run ./bench [flags]\n\nSuites:")
	for _, s := range suites() {
		fmt.Fprintf(flag.CommandLine.Output(), "  %-10s %s\n", s.name, s.about)
	}
	fmt.Fprintln(flag.CommandLine.Output(), "\nFlags:")
	flag.PrintDefaults()
}

// bench is one run.
type bench struct {
	rounds     int
	out        string
	cleanBuild bool

	dir     string // scratch, on the disk that is measured
	program string // the binary under test
	report  report
}

func (b *bench) run(ctx context.Context, only string) (err error) {
	if b.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := b.buildProgram(ctx); err != nil {
		return err
	}
	for _, s := range suites() {
		if only != "" && !strings.Contains(","+only+",", ","+s.name+",") {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", s.name, s.about)
		b.report.suite = s.name
		if err := s.run(ctx, b); err != nil {
			return fmt.Errorf("suite %s: %w", s.name, err)
		}
	}
	b.report.print(os.Stdout)
	if b.out != "" {
		return b.report.write(b.out)
	}
	return nil
}
