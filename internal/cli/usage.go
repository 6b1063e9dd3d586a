package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// Exit statuses.
const (
	statusFailed = 1
	statusUsage  = 2
)

// usageError is a command line that cannot be understood.
type usageError struct{ reason error }

func (e usageError) Error() string { return e.reason.Error() }
func (e usageError) Unwrap() error { return e.reason }

// usagef makes a usageError.
func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// flagError marks what the flag parser found; its text names the flag.
func flagError(_ *cobra.Command, err error) error {
	return usageError{err}
}

// report prints the error of a command, if there is one, and returns the exit
// status.
func report(out io.Writer, command *cobra.Command, err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(out, "error: %v\n", err)
	if !errors.As(err, new(usageError)) {
		if text := advice(err); text != "" {
			fmt.Fprintln(out, text)
		}
		return statusFailed
	}
	fmt.Fprintf(out, "See '%s --help' for usage.\n", command.CommandPath())
	return statusUsage
}

// noSuchCommand refuses the first word after a command that only has
// sub-commands, and says what was perhaps meant.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += fmt.Sprintf(": did you mean %q?", strings.Join(near, `", "`))
	}
	return usageError{errors.New(text)}
}

// noArguments refuses words after a command that takes none.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no arguments, but got %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// oneArgument wants exactly one word, called name in the message.
func oneArgument(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("%s takes one argument, %s, but got %d", cmd.CommandPath(), name, len(args))
		}
		return nil
	}
}
