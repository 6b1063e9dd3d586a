package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"
)

// tokens are the bootstrap tokens of a cluster.
type tokens struct {
	connection *genericclioptions.ConfigFlags
	format     output
	streams    genericiooptions.IOStreams
}

// newToken makes and shows what machines join by.
func newToken(streams genericiooptions.IOStreams) *cobra.Command {
	t := &tokens{connection: newConnection(), streams: streams}
	c := &cobra.Command{
		Use:   "token",
		Short: "Make, list and delete the tokens by which machines join",
		Long: `Make, list and delete bootstrap tokens: what a machine shows when it joins the
cluster by "causeway node". A token lets its holder ask for a node's certificate
and nothing else, and ends by itself after a day. They are Secrets of type
bootstrap.kubernetes.io/token in kube-system, as kubeadm makes them.`,
		Example: `  causeway token create --print-join-command
  causeway token list
  causeway token delete 07401b`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	addConnection(c, t.connection)
	c.AddCommand(t.newCreate(), t.newList(), t.newDelete())
	return c
}

func (t *tokens) newCreate() *cobra.Command {
	life, description, join := 24*time.Hour, "", false
	c := &cobra.Command{
		Use: "create", Short: "Make a token, and print it or the line to join by", Args: noArguments,
		Long: `Make a token and print it. With --print-join-command the whole line is printed
that makes a machine a node: paste it into a shell there. In it are the
address of the API server, the hash of its authority, by which the machine knows
that it speaks to this cluster, and the token, which is given on standard input,
since everybody on a machine sees its command lines.`,
		Example: `  causeway token create --print-join-command
  causeway token create --ttl 1h --description "rack 7"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if life < 0 {
				return usagef("--ttl %s is in the past: give a time to live, or 0 for a token that does not end", life)
			}
			if err := t.create(cmd.Context(), life, description, join); err != nil {
				return fmt.Errorf("create a token: %w", err)
			}
			return nil
		},
	}
	f := c.Flags()
	f.DurationVar(&life, "ttl", life, "how long the token is good; 0 is for ever, which is rarely wise")
	f.StringVar(&description, "description", "", "what the token is for")
	f.BoolVar(&join, "print-join-command", false, "print the line that makes a machine a node, instead of the token alone")
	return c
}

func (t *tokens) newList() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "List the tokens", Args: noArguments,
		Long: `List the bootstrap tokens by their IDs, which are the part before the dot, with
the time that is left to them. Their secrets are not shown.`,
		Example: `  causeway token list
  causeway token list -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := t.format.check(); err != nil {
				return err
			}
			client, err := t.client()
			if err != nil {
				return err
			}
			all, err := listTokens(cmd.Context(), client)
			if err != nil {
				return fmt.Errorf("list tokens: %w", err)
			}
			return t.format.print(t.streams.Out, all, func(w io.Writer) error { return printTokens(w, all) })
		},
	}
	t.format.addTo(c)
	return c
}

func (t *tokens) newDelete() *cobra.Command {
	return &cobra.Command{
		Use: "delete ID...", Short: "Delete tokens",
		Long: `Delete bootstrap tokens by their IDs, the part before the dot; whole tokens are
understood too. Machines that have joined stay: they have certificates.`,
		Example:           `  causeway token delete 07401b`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("%s takes the IDs of the tokens to delete", cmd.CommandPath())
			}
			client, err := t.client()
			if err != nil {
				return err
			}
			var errs []error
			for _, arg := range args {
				id, err := deleteToken(cmd.Context(), client, arg)
				if err != nil {
					errs = append(errs, fmt.Errorf("delete token: %w", err))
					continue
				}
				fmt.Fprintf(t.streams.Out, "token %s deleted\n", id)
			}
			return errors.Join(errs...)
		},
	}
}

func (t *tokens) client() (kubernetes.Interface, error) {
	config, err := restConfig(t.connection)
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

func (t *tokens) create(ctx context.Context, life time.Duration, description string, join bool) error {
	client, err := t.client()
	if err != nil {
		return err
	}
	var at meeting
	if join { // before anything is made
		if at, err = meetingPlace(ctx, client); err != nil {
			return err
		}
	}
	token, err := createToken(ctx, client, life, description)
	if err != nil {
		return err
	}
	if !join {
		fmt.Fprintln(t.streams.Out, token)
		return nil
	}
	fmt.Fprintf(t.streams.Out, "echo %s | causeway node --server=%s --ca-cert-hash=%s --token-file=-\n", token, at.server, at.hash)
	return nil
}

func printTokens(w io.Writer, all []tokenInfo) error {
	if len(all) == 0 {
		fmt.Fprintln(w, "There are no tokens. Make one with: causeway token create")
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "ID\tTTL\tEXPIRES\tUSAGES\tDESCRIPTION")
	for _, token := range all {
		left, end := "<forever>", "<never>"
		if token.Expires != nil {
			left, end = "<expired>", token.Expires.UTC().Format(time.RFC3339)
			if until := time.Until(*token.Expires); until > 0 {
				left = duration.HumanDuration(until)
			}
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", token.ID, left, end, token.Usages, token.Description)
	}
	return table.Flush()
}
