package server

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/podrun"
)

// tick is the kernel's unit of time in /proc/stat: USER_HZ is 100 everywhere.
const tick = 10 * time.Millisecond

// usage is what the whole machine uses, from proc(5).
func usage() (podrun.Stats, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return podrun.Stats{}, err
	}
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return podrun.Stats{}, err
	}
	return parseUsage(stat, info)
}

// parseUsage reads the first line of /proc/stat (user, nice, system, idle,
// iowait, irq, softirq, steal; the others are part of these) and /proc/meminfo.
func parseUsage(stat, info []byte) (podrun.Stats, error) {
	line, _, _ := strings.Cut(string(stat), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return podrun.Stats{}, fmt.Errorf("reading /proc/stat: the first line is %q", line)
	}
	var ticks uint64
	for i, text := range fields[1:9] {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return podrun.Stats{}, fmt.Errorf("reading /proc/stat: %w", err)
		}
		if i != 3 && i != 4 { // idle, iowait
			ticks += n
		}
	}
	memory := map[string]uint64{}
	lines := bufio.NewScanner(bytes.NewReader(info))
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) == 3 && f[2] == "kB" {
			n, err := strconv.ParseUint(f[1], 10, 54)
			if err != nil {
				return podrun.Stats{}, fmt.Errorf("reading /proc/meminfo: %w", err)
			}
			memory[f[0]] = n << 10
		}
	}
	total, free := memory["MemTotal:"], memory["MemAvailable:"]
	if total == 0 || free > total {
		return podrun.Stats{}, fmt.Errorf("reading /proc/meminfo: %d bytes in all, %d available", total, free)
	}
	return podrun.Stats{CPU: time.Duration(ticks) * tick, Memory: total - free}, nil
}

// booted is when the machine was started; nil if the kernel does not say.
func booted() *metav1.Time {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return nil
	}
	return parseBoot(stat)
}

// parseBoot reads btime of /proc/stat, in seconds of Unix time.
func parseBoot(stat []byte) *metav1.Time {
	for line := range strings.Lines(string(stat)) {
		text, found := strings.CutPrefix(line, "btime ")
		if !found {
			continue
		}
		if seconds, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil {
			return &metav1.Time{Time: time.Unix(seconds, 0)}
		}
	}
	return nil
}
