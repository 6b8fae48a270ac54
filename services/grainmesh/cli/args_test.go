package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v3"
	"golang.org/x/sys/unix"
)

// A command that is given more than it takes does nothing at all.
func TestSurplusArguments(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kept := filepath.Join(dir, "kept")
	require.NoError(t, os.WriteFile(kept, nil, 0o600))
	var each func(words []string, cmd *cli.Command)
	each = func(words []string, cmd *cli.Command) {
		for _, sub := range cmd.Commands {
			each(append(slices.Clip(words), sub.Name), sub)
		}
		takes := strings.Fields(cmd.ArgsUsage)
		if len(cmd.Commands) > 0 || repeats(takes) {
			return
		}
		for range len(takes) + 1 {
			words = append(words, "surplus")
		}
		c := begin(t, words...)
		require.Equal(t, exitUsage, c.end(t), "%v", words)
		require.Regexp(t, `takes no arguments, got "surplus"|want [A-Z| ]+, got \d arguments`, c.err.String(), "%v", words)
		require.FileExists(t, kept, "%v", words)
	}
	each([]string{"grainmesh", "--data", dir}, newApp(&output{}, &output{}))

	c := begin(t, "grainmesh", "help", "job")
	require.Zero(t, c.end(t), "%s", &c.err)
	c = begin(t, "grainmesh", "completion", "foo")
	require.Equal(t, exitUsage, c.end(t))
	require.Contains(t, c.err.String(), `there is no command "foo"; see grainmesh completion --help`)
}

// reset asks a person, and nobody else.
func TestResetAsks(t *testing.T) {
	t.Parallel()
	reset := func(in *os.File, flags ...string) (code int, deleted bool, said string) {
		dir := filepath.Join(t.TempDir(), "data")
		require.NoError(t, os.Mkdir(dir, 0o700))
		var errOut output
		app := newApp(&output{}, &errOut)
		app.Reader = in
		code = runApp(t.Context(), app, append([]string{"grainmesh", "--data", dir, "reset"}, flags...))
		_, err := os.Stat(dir)
		return code, os.IsNotExist(err), errOut.String()
	}
	for answer, want := range map[string]bool{"y\n": true, "Yes\n": true, "n\n": false, "\n": false, "\x04": false} {
		person, terminal := openTerminal(t)
		_, err := person.WriteString(answer)
		require.NoError(t, err)
		code, deleted, said := reset(terminal)
		require.Contains(t, said, "Delete ")
		require.Equal(t, want, deleted, "%q: %s", answer, said)
		require.Equal(t, want, code == exitDone, "%q", answer)
	}
	_, terminal := openTerminal(t)
	_, deleted, said := reset(terminal, "--yes")
	require.True(t, deleted)
	require.NotContains(t, said, "[y/N]")

	nobody, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer func() { require.NoError(t, nobody.Close()) }()
	_, deleted, _ = reset(nobody)
	require.True(t, deleted)
}

// openTerminal makes a terminal, and the end at which its person sits.
func openTerminal(t *testing.T) (person, terminal *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = person.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = terminal.Close() })
	return person, terminal
}
