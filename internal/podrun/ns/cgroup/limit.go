//go:build linux

package cgroup

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/causeway-access/causeway/internal/podrun"
)

// Limit sets what a group may use, as far as nothing is missing.
func (r Root) Limit(group string, res podrun.Resources) error {
	settings := r.version1(res)
	if r.unified != "" {
		settings = version2(res)
	}
	for _, s := range settings {
		dir := r.of(s.controller, group)
		if dir == "" {
			continue
		}
		err := write(dir, s.file, s.value)
		if s.optional && err != nil {
			continue
		}
		if err != nil {
			return fmt.Errorf("limiting a control group: %w", err)
		}
	}
	return nil
}

// of is the directory of a group that has the files of a controller; "" if there
// is none.
func (r Root) of(controller, group string) string {
	switch {
	case r.unified != "" && r.given(group, controller):
		return filepath.Join(r.unified, group)
	case r.unified != "" || r.controllers[controller] == "":
		return ""
	}
	return filepath.Join(r.controllers[controller], group)
}

type setting struct {
	controller, file, value string
	// optional is what not every kernel has.
	optional bool
}

// period is how often the share of processors is counted anew, in microseconds.
const period = 100_000

// quota is the part of a period that thousandths of a processor are; the
// kernel takes no less than a millisecond.
func quota(milli int64) int64 { return max(1000, milli*period/1000) }

func (r Root) version1(res podrun.Resources) []setting {
	var s []setting
	if res.MilliCPU > 0 {
		s = append(s, setting{"cpu", "cpu.cfs_period_us", strconv.Itoa(period), false},
			setting{"cpu", "cpu.cfs_quota_us", strconv.FormatInt(quota(res.MilliCPU), 10), false})
	}
	if res.CPUShares > 0 {
		s = append(s, setting{"cpu", "cpu.shares", strconv.FormatInt(max(2, res.CPUShares), 10), false})
	}
	if res.Memory > 0 {
		memory := strconv.FormatInt(res.Memory, 10)
		s = append(s, setting{"memory", "memory.limit_in_bytes", memory, false},
			setting{"memory", "memory.memsw.limit_in_bytes", memory, true})
	}
	if res.Processes > 0 {
		s = append(s, setting{"pids", "pids.max", strconv.FormatInt(res.Processes, 10), false})
	}
	return s
}

func version2(res podrun.Resources) []setting {
	var s []setting
	if res.MilliCPU > 0 {
		s = append(s, setting{"cpu", "cpu.max", fmt.Sprintf("%d %d", quota(res.MilliCPU), period), false})
	}
	if res.CPUShares > 0 {
		// 2..262144 to 1..10000, as KEP-2254 has it.
		weight := 1 + (min(262144, max(2, res.CPUShares))-2)*9999/262142
		s = append(s, setting{"cpu", "cpu.weight", strconv.FormatInt(weight, 10), false})
	}
	if res.Memory > 0 {
		s = append(s, setting{"memory", "memory.max", strconv.FormatInt(res.Memory, 10), false},
			setting{"memory", "memory.swap.max", "0", true})
	}
	if res.Processes > 0 {
		s = append(s, setting{"pids", "pids.max", strconv.FormatInt(res.Processes, 10), false})
	}
	return s
}
