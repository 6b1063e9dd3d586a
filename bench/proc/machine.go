package proc

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of /proc/stat: USER_HZ is 100 on every Linux that Go runs on.
const tick = time.Second / 100

// Machine is the time that all processors of the machine have spent so far.
type Machine struct {
	// Busy is time in which something ran, Stolen time that the host of a
	// virtual machine gave to others, and All both and the idle time.
	Busy, Stolen, All time.Duration
}

// MachineNow reads the machine's times.
func MachineNow() (Machine, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Machine{}, err
	}
	return parseStat(string(text))
}

// parseStat reads the first line of /proc/stat (proc_stat(5)).
func parseStat(text string) (Machine, error) {
	line, _, _ := strings.Cut(text, "\n")
	words := strings.Fields(line)
	if len(words) < 9 || words[0] != "cpu" {
		return Machine{}, errors.New("read /proc/stat: it does not begin with the sum of all processors")
	}
	var m Machine
	for i, word := range words[1:9] { // guest time is in user time already
		n, err := strconv.ParseInt(word, 10, 54)
		if err != nil || n < 0 {
			return Machine{}, fmt.Errorf("read /proc/stat: %q is no number of ticks", word)
		}
		spent := time.Duration(n) * tick
		m.All += spent
		switch i {
		case 3, 4: // idle, iowait
		case 7:
			m.Stolen += spent
		default:
			m.Busy += spent
		}
	}
	return m, nil
}

// Sub is what was spent since then.
func (m Machine) Sub(then Machine) Machine {
	return Machine{Busy: m.Busy - then.Busy, Stolen: m.Stolen - then.Stolen, All: m.All - then.All}
}

// TimeWait counts the local ports that wait for the end of their connections
// (state TIME_WAIT) in this network namespace.
func TimeWait() (int, error) {
	sum := 0
	for _, name := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		text, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(text)) {
			if words := strings.Fields(line); len(words) > 3 && words[3] == "06" {
				sum++
			}
		}
	}
	return sum, nil
}
