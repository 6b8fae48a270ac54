package cli

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v3"

	"github.com/grainmesh/grainmesh/pkg/rangereader/rangetest"
)

// TestCommandLine runs command lines as a user does, on one mesh. It is not parallel:
// the mesh takes its settings from the environment.
//
//nolint:paralleltest // t.Setenv, for that reason
func TestCommandLine(t *testing.T) {
	l := startLocal(t)
	for name, test := range map[string]func(*testing.T, *local){
		"start without a warning":    startsQuietly,
		"second up":                  secondUp,
		"upload of a local file":     uploads,
		"flags of a job":             flagsBecomeTheSpec,
		"wrong flags":                wrongFlags,
		"exit codes":                 exitCodesMeanSomething,
		"json":                       writesJSON,
		"pages of chunks":            listsAllChunks,
		"pages of jobs":              listsUpToTheLimit,
		"watch":                      watches,
		"watch over an interruption": watchesOn,
		"interrupt":                  isInterrupted,
		"window":                     takesWindows,
		"window that breaks off":     nothingOfABrokenWindow,
		"token":                      findsItsToken,
		"errors name what was wrong": errorsNameTheInput,
		"jobs that fail":             failuresAreTold,
		"upload that breaks off":     abortsItsUpload,
		"probe of a file here":       probesHere,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, l)
		})
	}
}

func startsQuietly(t *testing.T, l *local) {
	before, _, ready := strings.Cut(l.log.String(), `"msg":"ready"`)
	require.True(t, ready, "%s", before)
	require.NotContains(t, before, `"WARN"`)
	require.NotContains(t, before, `"ERROR"`)
}

// secondUp must not disturb the mesh that has the folder.
func secondUp(t *testing.T, l *local) {
	code, _, errOut := l.ask(t, "up", "--foreground", "--listen", "127.0.0.1:0")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errOut, "in use: "+l.dir+", by process ")
	code, _, errOut = l.ask(t, "up", "--no-ingest")
	require.Zero(t, code)
	require.Contains(t, errOut, l.state.PublicURL, "it runs already")
	require.NotContains(t, errOut, "stop it first")
	code, _, errOut = l.ask(t, "up", "--no-ingest", "--listen", "127.0.0.1:1")
	require.Zero(t, code)
	require.Regexp(t, `not on 127.0.0.1:1; .* down`, errOut)
	code, _, errOut = l.ask(t, "up", "--file", "/nowhere/x.wav")
	require.Equal(t, exitUsage, code)
	require.NotContains(t, errOut, l.state.PublicURL, "it is told before anything is started")
	require.Contains(t, l.must(t, "status"), "media-store")
}

func uploads(t *testing.T, l *local) {
	file := wav(2*partBytes/chunkBytes + 3) // three parts
	path := saved(t, "a take.wav", file)
	code, out, errOut := l.ask(t, "--json", "ingest", path)
	require.Zero(t, code, "%s", errOut)
	job := decode[map[string]any](t, out)
	require.Equal(t, "a take.wav", job["spec"].(map[string]any)["label"])
	require.Empty(t, errOut, "who asks for JSON wants no progress")

	window := filepath.Join(t.TempDir(), "w.raw")
	l.must(t, "window", job["flowIds"].([]any)[0].(string), "_", "-o", window)
	got, err := os.ReadFile(window)
	require.NoError(t, err)
	require.Equal(t, file[headBytes:], got)

	shown := l.must(t, "job", "show", job["id"].(string))
	size := bytesText(int64(len(file) - headBytes))
	require.Contains(t, shown, size+" of "+size, "all that was to be read")
	require.Regexp(t, `took +[0-9.]+m?s`, shown)

	code, _, errOut = l.ask(t, "ingest", saved(t, "short.wav", wav(1)))
	require.Zero(t, code)
	require.True(t, strings.HasPrefix(errOut, "uploading\n"), "%s", errOut)
	require.True(t, strings.HasSuffix(errOut, "completed\n"), "%s", errOut)
}

func listsAllChunks(t *testing.T, l *local) {
	const chunks = 1_234
	l.gate(t, "/long.wav")
	url := l.source.Set("/long.wav", rangetest.File{Content: longWAV{}, Size: headBytes + chunks*chunkBytes, ETag: `"1"`})
	id := l.object(t, "job", "submit", url)["id"].(string)
	require.Eventually(t, func() bool {
		return l.object(t, "job", "show", id)["state"] == "JOB_STATE_READING"
	}, patience, tick)
	list := l.object(t, "job", "chunks", id)
	require.Len(t, list["chunks"], chunks)
	require.NotContains(t, list, "nextPageToken")
	rows := regexp.MustCompile(`(?m)^ +\d+ +(queued|waiting|running) `).FindAllString(l.must(t, "job", "chunks", id), -1)
	require.Len(t, rows, chunks)
	l.must(t, "job", "cancel", id)
}

// longWAV is a WAV of 1,234 chunks.
type longWAV struct{}

// ReadAt implements io.ReaderAt.
func (longWAV) ReadAt(p []byte, off int64) (int, error) {
	_, _ = rangetest.Pattern(1).ReadAt(p, off)
	if head := wavHead(1_234 * chunkBytes); off < headBytes {
		copy(p, head[off:])
	}
	return len(p), nil
}

func listsUpToTheLimit(t *testing.T, l *local) {
	tenant := []string{"--tenant", "lists"}
	for range 3 {
		l.must(t, append(tenant, "job", "submit", "--label", "one of three", l.serve("/few.wav", wav(1)))...)
	}
	list := func(args ...string) map[string]any {
		return l.object(t, append(append(tenant, "job", "list"), args...)...)
	}
	require.Len(t, list()["jobs"], 3)
	require.Len(t, list("--limit", "0")["jobs"], 3)
	two := list("--limit", "2")
	require.Len(t, two["jobs"], 2)
	require.NotEmpty(t, two["nextPageToken"], "there are more")
	require.NotContains(t, list("--text", "four"), "jobs")
	require.NotContains(t, list("--state", "failed"), "jobs")
}

func watches(t *testing.T, l *local) {
	open := l.gate(t, "/watched.wav")
	id := l.object(t, "job", "submit", l.serve("/watched.wav", wav(2)))["id"].(string)
	c := begin(t, l.args("job", "watch", id)...)
	require.Eventually(t, func() bool { return strings.HasSuffix(c.err.String(), "reading\n") }, patience, tick)
	open()
	require.Equal(t, exitDone, c.end(t), "%s", &c.err)
	require.True(t, strings.HasSuffix(c.err.String(), "completed\n"), "%s", &c.err)
	require.Contains(t, c.out.String(), "state     completed")

	l.gate(t, "/stopped.wav")
	id = l.object(t, "job", "submit", l.serve("/stopped.wav", wav(2)))["id"].(string)
	c = begin(t, l.args("job", "watch", id)...)
	require.Eventually(t, func() bool { return strings.Contains(c.err.String(), "reading") }, patience, tick)
	l.must(t, "job", "cancel", id)
	require.Equal(t, exitJobFailed, c.end(t))
	require.Contains(t, c.err.String(), "cancelled")
	require.Contains(t, c.out.String(), "state     cancelled")
}

// watchesOn is a watch of a mesh that cannot be reached for a while.
func watchesOn(t *testing.T, l *local) {
	open := l.gate(t, "/patient.wav")
	var down atomic.Bool
	through := l.behind(t, func(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc) {
		if down.Load() {
			panic(http.ErrAbortHandler)
		}
		pass(w, r)
	})
	id := l.object(t, "job", "submit", l.serve("/patient.wav", wav(1)))["id"].(string)
	c := begin(t, append(through, "job", "watch", id)...)
	require.Eventually(t, func() bool { return strings.Contains(c.err.String(), "reading") }, patience, tick)
	down.Store(true)
	require.Eventually(t, func() bool { return strings.Contains(c.err.String(), "no answer, trying on: ") }, patience, tick)
	open()
	down.Store(false)
	require.Equal(t, exitDone, c.end(t), "%s", &c.err)
	require.Equal(t, 1, strings.Count(c.err.String(), "no answer"), "it is said once: %s", &c.err)
	require.True(t, strings.HasSuffix(c.err.String(), "completed\n"), "%s", &c.err)
}

func isInterrupted(t *testing.T, l *local) {
	l.gate(t, "/endless.wav")
	c := begin(t, l.args("ingest", l.serve("/endless.wav", wav(1)))...)
	require.Eventually(t, func() bool { return strings.Contains(c.err.String(), "reading") }, patience, tick)
	c.stop()
	require.Equal(t, exitInterrupted, c.end(t))
	require.True(t, strings.HasSuffix(c.err.String(), "grainmesh: interrupted\n"), "%s", &c.err)
}

// findsItsToken needs no flag on the machine of the mesh; elsewhere the token does it.
func findsItsToken(t *testing.T, l *local) {
	l.must(t, "job", "list")
	token := strings.TrimSpace(l.must(t, "token"))
	require.Len(t, strings.Split(token, "."), 3)
	require.Len(t, strings.Split(l.object(t, "token")["token"].(string), "."), 3)

	elsewhere := func(args ...string) (int, string) {
		c := begin(t, append([]string{"grainmesh", "--data", t.TempDir(), "--api", l.state.PublicURL + "/"}, args...)...)
		return c.end(t), c.err.String()
	}
	code, errOut := elsewhere("--token", token, "job", "list")
	require.Zero(t, code, "%s", errOut)
	code, errOut = elsewhere("job", "list")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errOut, "--token")
	code, errOut = elsewhere("--token", token[:len(token)-4]+"AAAA", "job", "list")
	require.Equal(t, exitNotThere, code)
	require.Contains(t, errOut, "unauthenticated")
}

// probesHere needs no mesh.
func probesHere(t *testing.T, l *local) {
	path := saved(t, "here.wav", wav(2))
	c := begin(t, "grainmesh", "--data", t.TempDir(), "--json", "probe", path)
	require.Zero(t, c.end(t), "%s", &c.err)
	here := decode[map[string]any](t, c.out.String())
	there := l.object(t, "probe", l.serve("/there.wav", wav(2)))
	require.Equal(t, here["tracks"], there["tracks"])
	require.Contains(t, l.must(t, "probe", path), "48000 Hz, 2 ch, 16 bit")
}

func TestHelpTellsExitCodes(t *testing.T) {
	t.Parallel()
	c := begin(t, "grainmesh", "--help")
	require.Zero(t, c.end(t))
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	codes := regexp.MustCompile(`(?m)^ +(\d+) +([a-z].*)$`).FindAllStringSubmatch(c.out.String(), -1)
	require.Len(t, codes, 7)
	for _, code := range codes {
		require.Contains(t, string(readme), "| "+code[1]+" | "+code[2]+" |")
		require.Contains(t, string(doc), code[1])
		require.Contains(t, string(doc), code[2])
	}
}

// Every command says what it is for, and has one line of help for each flag.
func TestEveryCommandHasHelp(t *testing.T) {
	t.Parallel()
	var each func(words []string, cmd *cli.Command)
	each = func(words []string, cmd *cli.Command) {
		require.NotEmpty(t, cmd.Usage, "%v", words)
		for _, flag := range cmd.Flags {
			require.NotEmpty(t, flag.(cli.DocGenerationFlag).GetUsage(), "%v %v", words, flag.Names())
		}
		c := begin(t, append(words, "--help")...)
		require.Zero(t, c.end(t), "%v", words)
		require.Contains(t, c.out.String(), cmd.Usage)
		for _, sub := range cmd.Commands {
			each(append(slices.Clip(words), sub.Name), sub)
		}
	}
	each([]string{"grainmesh"}, newApp(&output{}, &output{}))
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "pwsh"} {
		c := begin(t, "grainmesh", "completion", shell)
		require.Zero(t, c.end(t), "%s: %s", shell, &c.err)
		require.Contains(t, c.out.String(), "--generate-shell-completion", shell)
	}
	c := begin(t, "grainmesh", "completion", "basic")
	require.Equal(t, exitUsage, c.end(t), "%s", &c.err)

	c = begin(t, "grainmesh", "job", "--generate-shell-completion")
	require.Zero(t, c.end(t))
	for _, word := range []string{"list", "watch", "chunks", "trace"} {
		require.Contains(t, c.out.String(), word)
	}
}

// A line that was run without a mesh says how to get one.
func TestNoMesh(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "none")
	for _, args := range [][]string{{"job", "list"}, {"status"}, {"env"}, {"token"}, {"ingest", "http://a.example/x.wav"}} {
		c := begin(t, append([]string{"grainmesh", "--data", dir}, args...)...)
		require.Equal(t, exitUnreachable, c.end(t), "%v", args)
		require.Contains(t, c.err.String(), dir)
		require.Contains(t, c.err.String(), "grainmesh up")
	}
	c := begin(t, "grainmesh", "--data", dir, "down")
	require.Zero(t, c.end(t), "there is nothing to do")
	require.NoDirExists(t, dir)
}

func TestUnreachableMesh(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, errOut output
	require.Equal(t, exitUnreachable, run(ctx, []string{"grainmesh", "--api", "http://127.0.0.1:1", "--token", "x", "job", "list"}, &out, &errOut))
	require.Contains(t, errOut.String(), "127.0.0.1:1")
	require.Contains(t, errOut.String(), "Trying again may help")
}
