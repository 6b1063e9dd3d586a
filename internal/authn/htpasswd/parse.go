package htpasswd

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// maxCost keeps one line of the file from stopping the server: every step up
// doubles the time, 15 takes about two seconds.
const maxCost = 15

// parsePasswords reads lines "user:hash". Errors name the line, never the hash.
func parsePasswords(data []byte) (*accounts, error) {
	table := &accounts{byName: map[string]*account{}}
	highest := 0
	err := eachLine(data, func(line string) error {
		name, hash, found := strings.Cut(line, ":")
		if !found || name == "" {
			return fmt.Errorf("want user:hash")
		}
		cost, err := bcrypt.Cost([]byte(hash))
		if err != nil {
			return fmt.Errorf("the password of %q is not hashed with bcrypt: set it with `htpasswd -B`", name)
		}
		if cost > maxCost {
			return fmt.Errorf("the password of %q has bcrypt cost %d, at most %d is allowed", name, cost, maxCost)
		}
		if _, twice := table.byName[name]; twice {
			return fmt.Errorf("user %q is there twice", name)
		}
		table.byName[name] = &account{hash: []byte(hash)}
		if cost > highest {
			highest, table.decoy = cost, []byte(hash)
		}
		return nil
	})
	return table, err
}

// parseGroups reads lines "group: user user ..." to the groups of each user.
func parseGroups(data []byte) (map[string][]string, error) {
	groups := map[string][]string{}
	err := eachLine(data, func(line string) error {
		group, members, ok := cutGroup(line)
		if !ok {
			return fmt.Errorf("want `group: user user ...`, with a space after the colon")
		}
		for _, member := range strings.Fields(members) {
			groups[member] = append(groups[member], group)
		}
		return nil
	})
	return groups, err
}

// cutGroup splits at the first colon that a space or the end of the line
// follows, since names of groups hold colons themselves (system:masters).
func cutGroup(line string) (group, members string, ok bool) {
	if name, found := strings.CutSuffix(line, ":"); found && !strings.ContainsAny(name, " \t") {
		return name, "", name != ""
	}
	at := strings.IndexAny(line, " \t")
	if at < 2 || line[at-1] != ':' {
		return "", "", false
	}
	return line[:at-1], line[at:], true
}

func eachLine(data []byte, use func(string) error) error {
	scanner := bufio.NewScanner(bytes.NewReader(data))
	for number := 1; scanner.Scan(); number++ {
		line := strings.TrimSpace(scanner.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := use(line); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	return scanner.Err()
}
