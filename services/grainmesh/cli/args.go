package cli

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/urfave/cli/v3"
)

// checkArgs holds the arguments of a command against what its help says that it takes,
// for all commands: a name that was meant for something else must not be passed over by
// one that stops a mesh, or deletes it.
func checkArgs(_ context.Context, cmd *cli.Command) error {
	takes := strings.Fields(cmd.ArgsUsage)
	switch got := cmd.Args().Len(); {
	case slices.ContainsFunc(cmd.Commands, notHelp): // needCommand tells which one is meant
		return nil
	case len(takes) == 0 && got > 0:
		return usage("%s takes no arguments, got %q", cmd.FullName(), cmd.Args().First())
	case got > len(takes) && !repeats(takes), got < least(takes):
		return usage("want %s, got %s", cmd.ArgsUsage, arguments(got))
	default:
		return nil
	}
}

// notHelp tells a command of a group from the one that the library gives to all.
func notHelp(cmd *cli.Command) bool { return cmd.Name != "help" }

// repeats says whether there may be more of the last argument.
func repeats(takes []string) bool {
	return len(takes) > 0 && strings.HasSuffix(takes[len(takes)-1], "...")
}

// least returns how many arguments there must be: those in brackets need not.
func least(takes []string) int {
	n := 0
	for _, name := range takes {
		if !strings.HasPrefix(name, "[") && !strings.HasSuffix(name, "...") {
			n++
		}
	}
	return n
}

func arguments(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// confirmed asks a person who sits at a terminal; where there is none, the command line
// is all that there will be, and it is meant.
func confirmed(cmd *cli.Command, question string) bool {
	terminal, ok := cmd.Root().Reader.(*os.File)
	if !ok || !isatty.IsTerminal(terminal.Fd()) {
		return true
	}
	fmt.Fprintf(cmd.Root().ErrWriter, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(terminal).ReadString('\n')
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(answer)))
}
