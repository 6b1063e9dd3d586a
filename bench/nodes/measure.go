package nodes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/bench/proxy"
)

// Cases of the tables.
const (
	oneByOne = "pods one at a time"
	atOnce   = "pods at once"
	commands = "commands in a pod"
	logs     = "a log of 20 MB"
)

// logLines of 100 bytes each are written by a pod.
const logLines = 200_000

// bench is one run.
type bench struct {
	Options
	image   string // archive of the image
	daemon  int    // containerd, while it runs
	samples proxy.Samples
}

func (b *bench) add(kase, subject, name, unit string, value float64) {
	b.samples.Add(Figure{Case: kase, Subject: subject, Name: name, Unit: unit, Compare: true}, value)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// measure does all of it, the subjects in turn.
func (b *bench) measure(ctx context.Context) (err error) {
	if b.image, err = b.archive(); err != nil {
		return err
	}
	for round := range b.Rounds {
		for _, subject := range []string{Causeway, WithContainerd} {
			say("round %d: %s", round+1, subject)
			if err := b.measureCluster(ctx, subject); err != nil {
				return fmt.Errorf("%s: %w", subject, err)
			}
		}
		say("round %d: %s", round+1, Runc)
		if err := b.measureRunc(ctx); err != nil {
			return fmt.Errorf("%s: %w", Runc, err)
		}
	}
	return nil
}

func (b *bench) measureCluster(ctx context.Context, subject string) (err error) {
	var runtime []string
	if subject == WithContainerd {
		stop, err := b.startContainerd()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
		runtime = []string{"--container-runtime-endpoint", "unix://" + socket}
	}
	c, err := b.up(ctx, runtime...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.down()) }()
	b.add("a cluster with a node", subject, "start", "ms", ms(c.took))
	for _, step := range []func(context.Context, string) error{c.oneByOne, c.atOnce, c.commands, c.logs} {
		if err := step(ctx, subject); err != nil {
			return err
		}
	}
	return nil
}

// oneByOne starts pods, each when the one before it is gone. The first, which
// finds nothing in any cache, does not count.
func (c *cluster) oneByOne(ctx context.Context, subject string) error {
	for n := range c.b.Single + 1 {
		name := fmt.Sprintf("single-%d", n)
		w, err := c.events(ctx)
		if err != nil {
			return err
		}
		defer w.Stop()
		begun := time.Now()
		if err := c.create(ctx, name, "serve", ":8080"); err != nil {
			return err
		}
		pod, err := until(w, 1, runs)
		if err != nil {
			return err
		}
		running := time.Since(begun)
		if err := answers(ctx, pod); err != nil {
			return err
		}
		answered := time.Since(begun)
		begun = time.Now()
		if err := c.client.CoreV1().Pods(namespace).Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			return err
		}
		if _, err := until(w, 1, isGone); err != nil {
			return err
		}
		if n > 0 {
			c.b.add(oneByOne, subject, "until Running", "ms", ms(running))
			c.b.add(oneByOne, subject, "until it answers", "ms", ms(answered))
			c.b.add(oneByOne, subject, "until it is gone", "ms", ms(time.Since(begun)))
		}
	}
	return nil
}

// atOnce starts many pods, and looks at the memory that they take.
func (c *cluster) atOnce(ctx context.Context, subject string) error {
	w, err := c.events(ctx)
	if err != nil {
		return err
	}
	defer w.Stop()
	idle, err := c.memory()
	if err != nil {
		return err
	}
	begun := time.Now()
	for n := range c.b.Many {
		if err := c.create(ctx, fmt.Sprintf("many-%d", n), "serve", ":8080"); err != nil {
			return err
		}
	}
	last, err := until(w, c.b.Many, runs)
	if err != nil {
		return err
	}
	c.b.add(atOnce, subject, "until all are Running", "ms", ms(time.Since(begun)))
	if err := answers(ctx, last); err != nil {
		return err
	}
	many, err := c.memory()
	if err != nil {
		return err
	}
	perPod := float64(many.pods-idle.pods) / float64(c.b.Many) / 1e6
	c.b.add(atOnce, subject, "private memory for each", "MB", perPod)
	c.b.add(atOnce, subject, "agents' private memory", "MB", float64(many.agents)/1e6)
	begun = time.Now()
	if err := c.client.CoreV1().Pods(namespace).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		return err
	}
	_, err = until(w, c.b.Many, isGone)
	c.b.add(atOnce, subject, "until all are gone", "ms", ms(time.Since(begun)))
	return err
}

// commands runs commands in one pod.
func (c *cluster) commands(ctx context.Context, subject string) error {
	w, err := c.events(ctx)
	if err != nil {
		return err
	}
	defer w.Stop()
	if err := c.create(ctx, "commands", "wait"); err != nil {
		return err
	}
	if _, err := until(w, 1, runs); err != nil {
		return err
	}
	for range c.b.Single {
		begun := time.Now()
		if err := c.exec(ctx, "commands"); err != nil {
			return err
		}
		c.b.add(commands, subject, "round trip", "ms", ms(time.Since(begun)))
	}
	return nil
}

// logs has a pod write a log, and reads it.
func (c *cluster) logs(ctx context.Context, subject string) error {
	w, err := c.events(ctx)
	if err != nil {
		return err
	}
	defer w.Stop()
	begun := time.Now()
	if err := c.create(ctx, "logs", "log", strconv.Itoa(logLines)); err != nil {
		return err
	}
	if _, err := until(w, 1, succeeded); err != nil {
		return err
	}
	c.b.add(logs, subject, "until it is written", "ms", ms(time.Since(begun)))
	begun = time.Now()
	r, err := c.client.CoreV1().Pods(namespace).GetLogs("logs", &corev1.PodLogOptions{}).Stream(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	size, err := io.Copy(io.Discard, r)
	if err == nil && size < 1e6 {
		err = fmt.Errorf("the log has %d bytes", size)
	}
	c.b.add(logs, subject, "read", "MB/s", float64(size)/1e6/time.Since(begun).Seconds())
	return err
}
