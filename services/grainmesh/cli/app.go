package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/urfave/cli/v3"

	"github.com/grainmesh/grainmesh/pkg/embed"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/service"
)

// Exit codes, see the package's doc.
const (
	exitDone = iota
	exitInternal
	exitUsage
	exitJobFailed
	exitUnreachable
	exitNotThere
)

// exitInterrupted is what shells expect after Ctrl-C.
const exitInterrupted = 130

// exitCodes tells of them in the help.
const exitCodes = `Exit codes:
   0    done
   1    something failed inside Grainmesh
   2    the command or its input is wrong
   3    the job ended as failed or cancelled
   4    no mesh could be reached
   5    what was asked for is not there, or not allowed
   130  interrupted`

// Version is set by the build.
var Version = "dev" //nolint:gochecknoglobals // the linker's -X writes package variables only

// Main runs the command line and returns its exit code.
func Main(args []string) int {
	ctx, stop := service.SignalContext(context.Background())
	defer stop()
	return run(ctx, args, os.Stdout, os.Stderr)
}

// run runs one command line and returns its exit code.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	return runApp(ctx, newApp(out, errOut), args)
}

func runApp(ctx context.Context, app *cli.Command, args []string) int {
	err := app.Run(ctx, args)
	if err == nil {
		return exitDone
	}
	if ctx.Err() != nil {
		err = errInterrupted
	}
	if app.Bool("json") {
		err = errors.Join(err, writeFailure(app.Writer, err))
	}
	fmt.Fprintln(app.ErrWriter, describe(err))
	return exitCode(err)
}

// newApp makes the whole command line, writing to the given places.
func newApp(out, errOut io.Writer) *cli.Command {
	app := &cli.Command{
		Name: "grainmesh", Usage: "the open media platform, in one program", Version: Version, Description: exitCodes,
		EnableShellCompletion: true, Writer: out, ErrWriter: errOut,
		ExitErrHandler: func(context.Context, *cli.Command, error) {}, ArgValidator: checkArgs,
		// The library adds this one itself.
		ConfigureShellCompletionCommand: nameWrongUse,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "data", Usage: "folder of the local mesh", Value: ".grainmesh", Sources: cli.EnvVars("GRAINMESH_DATA")},
			&cli.StringFlag{Name: "api", Usage: "address of a mesh elsewhere, such as https://media.example.org", Sources: cli.EnvVars("GRAINMESH_API")},
			&cli.StringFlag{Name: "token", Usage: "token for it; that of the local mesh is found by itself", Sources: cli.EnvVars("GRAINMESH_TOKEN")},
			&cli.StringFlag{Name: "tenant", Usage: "tenant to act for on the local mesh", Value: "default", Sources: cli.EnvVars("GRAINMESH_TENANT")},
			&cli.BoolFlag{Name: "json", Usage: "write JSON, for machines"},
		},
		Commands: []*cli.Command{
			upCommand(), downCommand(), statusCommand(), logsCommand(), resetCommand(), serveCommand(),
			ingestCommand(), probeCommand(), windowCommand(), jobCommand(), flowCommand(), loginLinkCommand(), tokenCommand(), envCommand(), keysCommand(), doctorCommand(),
		},
	}
	nameWrongUse(app)
	return app
}

// nameWrongUse makes what the library says of wrong flags and commands an error of
// usage, for a command and all below it.
func nameWrongUse(cmd *cli.Command) {
	cmd.OnUsageError = func(_ context.Context, _ *cli.Command, err error, _ bool) error { return usage("%w", err) }
	if len(cmd.Commands) > 0 {
		cmd.Action = needCommand
	}
	for _, sub := range cmd.Commands {
		nameWrongUse(sub)
	}
}

// needCommand is the action of a command that only groups others.
func needCommand(_ context.Context, cmd *cli.Command) error {
	if cmd.Args().Present() {
		return usage("there is no command %q; see grainmesh %s--help", cmd.Args().First(), groupOf(cmd))
	}
	return cli.ShowSubcommandHelp(cmd)
}

// groupOf returns the words before a command of a group, each with a blank after it.
func groupOf(cmd *cli.Command) string {
	if cmd.Root() == cmd {
		return ""
	}
	return cmd.Name + " "
}

// errUsage is what errors of the command line itself are.
var errUsage = errors.New("usage")

// usageError is one of them; it says what is wrong, and nothing before that.
type usageError struct{ error }

// Is implements errors.Is.
func (usageError) Is(target error) bool { return target == errUsage }

// Unwrap returns the cause.
func (e usageError) Unwrap() error { return e.error }

func usage(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// errNotRunning says that there is no mesh to talk to.
var errNotRunning = errors.New("no mesh is running here; start one with: grainmesh up")

// errInterrupted says that the user ended the command.
var errInterrupted = errors.New("interrupted")

// exitCode turns an error into one of the documented codes.
func exitCode(err error) int {
	switch {
	case errors.Is(err, errUsage), errors.Is(err, embed.ErrInUse):
		return exitUsage
	case errors.Is(err, errJobFailed):
		return exitJobFailed
	case errors.Is(err, errNotRunning):
		return exitUnreachable
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	}
	var e *fault.Error
	if !errors.As(err, &e) {
		return codeOfOthers(err)
	}
	switch e.Code {
	case fault.NotFound, fault.Gone, fault.PermissionDenied, fault.Unauthenticated:
		return exitNotThere
	case fault.Unavailable:
		return exitUnreachable
	default:
		if e.Blame() == fault.Customer {
			return exitUsage
		}
		return exitInternal
	}
}

// codeOfOthers is for errors that are not ours: those of the library that have a code
// are about help for what is not there.
func codeOfOthers(err error) int {
	_, child := errors.AsType[*exec.ExitError](err)
	if _, coded := errors.AsType[cli.ExitCoder](err); coded && !child {
		return exitUsage
	}
	return exitInternal
}

// describe writes an error for people: what happened, its code, and whether trying
// again can help.
func describe(err error) string {
	var e *fault.Error
	if !errors.As(err, &e) {
		return "grainmesh: " + err.Error()
	}
	text := fmt.Sprintf("grainmesh: %s (%s)", err, e.Code)
	if e.Retryable() {
		text += "\nTrying again may help."
	}
	return text
}
