// Command bench measures Causeway beside its peers, in one run on one
// machine: absolute figures mean little, ratios something. `make bench` runs
// it; it prints tables, and writes all figures as JSON.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/causeway-access/causeway/bench/nodes"
	"github.com/causeway-access/causeway/bench/proxy"
)

// suites are the groups of measurements, in the order in which they run.
func suites() []suite {
	return []suite{
		{"control", "start, memory, writes, lists and watches of the API server, beside a bare etcd", control},
		{"proxy", "requests, transfers, WebSockets and idle connections through the access path, beside nginx, HAProxy and httputil.ReverseProxy", proxySuite},
		{"local", "requests, downloads and watches through `causeway proxy`, beside `kubectl proxy` and nginx", localSuite},
		{"nodes", "start, commands, memory and logs of pods, run by the node itself and by containerd, beside runc alone", nodesSuite},
		{"resolve", "what it costs to find a target with 10, 1,000 and 10,000 services, while endpoints change", resolve},
		{"build", "size of the binary, and with -clean-build the time of a build from nothing", build},
	}
}

type suite struct {
	name, about string
	run         func(ctx context.Context, b *bench) error
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := start(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func start(ctx context.Context) error {
	if len(os.Args) == 2 && os.Args[1] == proxy.Command {
		return proxy.Inside(ctx, os.Stdin, os.Stdout)
	}
	if len(os.Args) == 2 && os.Args[1] == nodes.Command {
		return nodes.Inside(ctx, os.Stdin, os.Stdout)
	}
	b := &bench{}
	b.addFlags(flag.CommandLine)
	flag.Usage = usage
	flag.Parse()
	if b.quick {
		b.quicken()
	}
	return b.run(ctx)
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
	only       string
	rounds     int
	out, svg   string
	cleanBuild bool
	quick      bool
	pods       int
	proxy      proxy.Options
	cases      string
	subjects   string

	dir     string // scratch, on the disk that is measured
	program string // the binary under test
	report  report
}

func (b *bench) addFlags(f *flag.FlagSet) {
	f.StringVar(&b.only, "only", "", "comma-separated suites to run (default: all)")
	f.StringVar(&b.out, "json", "", "file for the figures as JSON")
	f.StringVar(&b.svg, "svg", "", "file for a chart of suite proxy")
	f.IntVar(&b.rounds, "rounds", 5, "how often each measurement is repeated; the median is shown")
	f.StringVar(&b.program, "program", "", "the causeway to measure (default: it is built)")
	f.BoolVar(&b.cleanBuild, "clean-build", false, "also measure a build with an empty cache (minutes)")
	f.StringVar(&b.cases, "cases", "", "comma-separated loads of suites proxy (h1, h2, down, up, ws, idle) and local (h1, object, down, watch) (default: all)")
	f.StringVar(&b.subjects, "subjects", "", `semicolon-separated rows of suites proxy ("causeway", "causeway, certificate", "nginx", "haproxy", "httputil") and local ("causeway proxy", "kubectl proxy", "nginx") (default: all)`)
	f.DurationVar(&b.proxy.Window, "window", 4*time.Second, "how long each load of suite proxy lasts")
	f.IntVar(&b.proxy.Nice, "nice", 0, "priority of suite proxy beside what else runs on the machine, -20 (first) to 19")
	f.DurationVar(&b.proxy.Soak, "soak", 0, "hold the load of suite proxy on Causeway alone for that long, instead of all else of it")
	f.StringVar(&b.proxy.Profile, "cpuprofile", "", "file for a CPU profile of Causeway under the first load of suite proxy; those of others go to FILE.CASE")
	f.IntVar(&b.pods, "pods", 100, "how many pods suite nodes starts at once")
	f.BoolVar(&b.quick, "quick", false, "one short round of suite proxy alone: requests through Causeway and nginx")
}

// quicken sets what -quick stands for; other flags still choose more exactly.
func (b *bench) quicken() {
	b.only, b.rounds, b.proxy.Window = "proxy", 1, 3*time.Second
	if b.cases == "" {
		b.cases = "h1,h2"
	}
	if b.subjects == "" {
		b.subjects = "causeway;nginx"
	}
}

func (b *bench) run(ctx context.Context) (err error) {
	if b.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := b.findProgram(ctx); err != nil {
		return err
	}
	// What one suite has measured is not lost because another fails.
	failed := b.measure(ctx)
	return errors.Join(b.publish(), failed)
}

// measure runs the suites that are wanted.
func (b *bench) measure(ctx context.Context) error {
	var failed error
	for _, s := range suites() {
		if b.only != "" && !strings.Contains(","+b.only+",", ","+s.name+",") {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", s.name, s.about)
		b.report.suite = s.name
		if err := s.run(ctx, b); err != nil {
			failed = errors.Join(failed, fmt.Errorf("suite %s: %w", s.name, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return failed
}

// publish writes the figures to where they are wanted.
func (b *bench) publish() error {
	if err := b.report.print(os.Stdout); err != nil {
		return err
	}
	if b.svg != "" {
		if err := b.report.drawCharts(b.svg, chartTitle, b.chartNote()); err != nil {
			return err
		}
	}
	if b.out != "" {
		return b.report.write(b.out)
	}
	return nil
}

const chartTitle = "Causeway beside other proxies: ratio to nginx, and the value"

// chartNote says under what circumstances the chart came about.
func (b *bench) chartNote() string {
	return fmt.Sprintf("Medians of %d interleaved rounds on one machine of %d processors, which the load generator, the proxy and the backend share.\n"+
		"Left: more is better. Right: less is better. The dashed line is nginx with one worker.", b.rounds, runtime.NumCPU())
}
