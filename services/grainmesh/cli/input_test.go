package cli

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func flagsBecomeTheSpec(t *testing.T, l *local) {
	flow, source, key := uuid.NewString(), uuid.NewString(), uuid.NewString()
	url := l.serve("/flags.wav", wav(3))
	flags := []string{
		"--mime", "audio/wav", "--label", "Take 7", "--track", "1", "--range", "[0:0_0:800000000)", "--origin", "1700000000:0",
		"--on-failure", "keep", "--flow-id", "1=" + flow, "--source-id", "1=" + source,
		"--tag", "reel=A1", "--tag", "reel=A2", "--tag", "note=x=y", "--strict", "--new-ids", "--key", key, "--priority", "5", url,
	}
	first := l.object(t, append([]string{"job", "submit"}, flags...)...)
	require.Equal(t, map[string]any{
		"url": url, "mimeType": "audio/wav", "label": "Take 7", "tracks": []any{1.0}, "timerange": "[0:0_0:800000000)",
		"origin": map[string]any{"kind": "ORIGIN_KIND_EXPLICIT", "time": "1700000000:0"}, "onFailure": "ON_FAILURE_KEEP",
		"flowIds": map[string]any{"1": flow}, "sourceIds": map[string]any{"1": source},
		"tags":   map[string]any{"reel": map[string]any{"values": []any{"A1", "A2"}}, "note": map[string]any{"values": []any{"x=y"}}},
		"strict": true, "newIds": true,
	}, first["spec"])
	require.EqualValues(t, 5, first["priority"])

	again := l.object(t, append([]string{"ingest", "--no-watch"}, flags...)...)
	require.Equal(t, first["id"], again["id"], "the same key makes the job once")
	code, _, errOut := l.ask(t, "job", "submit", "--key", key, url)
	require.Equal(t, exitUsage, code)
	require.Contains(t, errOut, "idempotency_conflict")

	for text, origin := range map[string]map[string]any{
		"timecode":            {"kind": "ORIGIN_KIND_TIMECODE"},
		"timecode:2026-07-04": {"kind": "ORIGIN_KIND_TIMECODE", "date": "2026-07-04"},
		"creation":            {"kind": "ORIGIN_KIND_CREATION_TIME"},
	} {
		spec := l.object(t, "job", "submit", "--origin", text, url)["spec"].(map[string]any)
		require.Equal(t, origin, spec["origin"], text)
	}
	plain := l.object(t, "job", "submit", url)["spec"].(map[string]any)
	require.Equal(t, map[string]any{"url": url, "label": "flags.wav", "onFailure": "ON_FAILURE_DISCARD"}, plain)
}

// wrongFlags are told before anything is asked or uploaded.
func wrongFlags(t *testing.T, l *local) {
	const url = "http://a.example/x.wav"
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no argument":        {[]string{"ingest"}, "want FILE|URL, got 0 arguments"},
		"two arguments":      {[]string{"ingest", "a", "b"}, "want FILE|URL, got 2 arguments"},
		"unknown command":    {[]string{"ingset"}, `no command "ingset"`},
		"unknown subcommand": {[]string{"job", "lsit"}, `no command "lsit"; see grainmesh job --help`},
		"unknown flag":       {[]string{"job", "list", "--stat", "x"}, "-stat"},
		"unknown state":      {[]string{"job", "list", "--state", "done"}, `no state "done"`},
		"limit":              {[]string{"job", "list", "--limit", "-1"}, "--limit is -1"},
		"limit no number":    {[]string{"job", "list", "--limit", "few"}, `"few"`},
		"on failure":         {[]string{"ingest", "--on-failure", "shrug", url}, `--on-failure is "shrug"`},
		"origin":             {[]string{"ingest", "--origin", "noon", url}, `--origin is "noon"`},
		"flow id":            {[]string{"ingest", "--flow-id", "first=x", url}, `--flow-id is "first=x"`},
		"source id":          {[]string{"ingest", "--source-id", "1", url}, `--source-id is "1"`},
		"tag":                {[]string{"ingest", "--tag", "reel", url}, `--tag is "reel"`},
		"track":              {[]string{"ingest", "--track", "first", url}, `"first"`},
		"range of a job":     {[]string{"ingest", "--range", "a while", url}, `"a while"`},
		"flow format":        {[]string{"flow", "list", "--format", "film"}, `--format is "film"`},
		"id of a job":        {[]string{"job", "show", "seven"}, `"seven"`},
		"window alone":       {[]string{"window", "x", "-o", "w.mp4"}, "want FLOW TIMERANGE, got 1 argument"},
		"window time":        {[]string{"window", "x", "soon", "-o", "w.mp4"}, `"soon"`},
		"window format":      {[]string{"window", "x", "_", "-o", "w"}, `"w"`},
		"window without":     {[]string{"window", "x", "_"}, `"output" not set`},
		"window of no id":    {[]string{"window", "x", "_", "-o", "w.mp4"}, `FLOW is "x"`},
		"MIME type":          {[]string{"ingest", "--mime", "text/plain", "/nowhere/x.wav"}, `--mime is "text/plain", want one of `},
		"service":            {[]string{"serve", "writer"}, `no service "writer"`},
		"no service":         {[]string{"serve"}, "media-store, job-api"},
		"tenant":             {[]string{"--tenant", "a/b", "job", "list"}, `--tenant is "a/b"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errOut := l.ask(t, c.args...)
			require.Equal(t, exitUsage, code, "%s", errOut)
			require.Contains(t, errOut, c.want)
			require.NotContains(t, errOut, "usage:")
			require.Empty(t, out)
		})
	}
}

func exitCodesMeanSomething(t *testing.T, l *local) {
	missing := uuid.NewString()
	letter := l.serve("/letter.mp4", []byte("Dear Sir or Madam"))
	failed := l.object(t, "ingest", "--no-watch", letter)["id"].(string)
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"done":            {[]string{"doctor"}, exitDone, ""},
		"no such job":     {[]string{"job", "show", missing}, exitNotThere, missing},
		"no such flow":    {[]string{"flow", "show", missing}, exitNotThere, missing},
		"window of none":  {[]string{"window", missing, "_", "-o", "-", "--format", "raw"}, exitNotThere, missing},
		"another tenant":  {[]string{"--tenant", "other", "job", "show", failed}, exitNotThere, failed},
		"a failed job":    {[]string{"job", "watch", failed}, exitJobFailed, "failed"},
		"an ingest fails": {[]string{"ingest", letter}, exitJobFailed, "failed"},
		"refused address": {[]string{"probe", "http://127.0.0.1:1/x.wav"}, exitUsage, "127.0.0.1:1"},
		"ended already":   {[]string{"job", "retry", l.object(t, "ingest", l.serve("/whole.wav", wav(1)))["id"].(string)}, exitUsage, "wrong_state"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, _, errOut := l.ask(t, c.args...)
			require.Equal(t, c.code, code, "%s", errOut)
			require.Contains(t, errOut, c.want)
		})
	}
}

func errorsNameTheInput(t *testing.T, l *local) {
	empty, folder := saved(t, "empty.wav", nil), t.TempDir()
	text := saved(t, "text.wav", []byte("RIFF is how it begins"))
	for name, c := range map[string]struct {
		args []string
		code int
		want []string
	}{
		"a file that is not there":    {[]string{"ingest", "/nowhere/x.wav"}, exitUsage, []string{"/nowhere/x.wav"}},
		"a folder":                    {[]string{"ingest", folder}, exitUsage, []string{folder, "folder"}},
		"an empty file":               {[]string{"ingest", empty}, exitUsage, []string{"empty.wav", "empty_file"}},
		"a probe of an empty file":    {[]string{"probe", empty}, exitUsage, []string{empty}},
		"a probe of no media":         {[]string{"probe", text}, exitUsage, []string{text}},
		"a probe of a missing file":   {[]string{"probe", "/nowhere/x.wav"}, exitUsage, []string{"/nowhere/x.wav"}},
		"a URL that is not there":     {[]string{"ingest", "http://" + l.source.Host() + "/none.wav"}, exitJobFailed, []string{"/none.wav", "404"}},
		"a probe of a URL":            {[]string{"probe", "http://" + l.source.Host() + "/none.wav"}, exitUsage, []string{"/none.wav"}},
		"an output where none can be": {[]string{"window", uuid.NewString(), "_", "-o", "/nowhere/w.wav"}, exitUsage, []string{"/nowhere/w.wav"}},
		"a scheme that is not served": {[]string{"ingest", "ftp://a.example/x.wav"}, exitUsage, []string{"ftp"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, _, errOut := l.ask(t, c.args...)
			require.Equal(t, c.code, code, "%s", errOut)
			for _, want := range c.want {
				require.Contains(t, errOut, want)
			}
			require.NotContains(t, errOut, "/nowhere/.", "the name of a temporary file")
		})
	}
}

// writesJSON holds the names that scripts rely on.
func writesJSON(t *testing.T, l *local) {
	job := l.object(t, "ingest", l.serve("/json.wav", wav(3)))
	id, flow := job["id"].(string), job["flowId"].(string)
	audio := job["flowIds"].([]any)[0].(string)
	require.Subset(t, job, map[string]any{"state": "JOB_STATE_COMPLETED", "chunksTotal": 3.0, "chunksDone": 3.0})
	require.Equal(t, job["bytesTotal"], job["bytesDone"])
	for name, c := range map[string]struct {
		args  []string
		names []string
	}{
		"job show":   {[]string{"job", "show", id}, []string{"id", "spec", "state", "flowId", "flowIds", "analysis", "createdUnixNs", "finishedUnixNs"}},
		"job watch":  {[]string{"job", "watch", id}, []string{"id", "state"}},
		"job list":   {[]string{"job", "list"}, []string{"jobs"}},
		"job chunks": {[]string{"job", "chunks", id}, []string{"chunks"}},
		"job trace":  {[]string{"job", "trace", id}, []string{"traceId", "steps"}},
		"flow list":  {[]string{"flow", "list"}, []string{"flows"}},
		"flow show":  {[]string{"flow", "show", flow}, []string{"flow", "members"}},
		"grains":     {[]string{"flow", "grains", audio}, []string{"grains"}},
		"probe":      {[]string{"probe", l.serve("/json.wav", wav(3))}, []string{"format", "mimeType", "size", "tracks"}},
		"window":     {[]string{"window", audio, "_", "-o", filepath.Join(t.TempDir(), "w.wav")}, []string{"flow", "timerange", "bytes", "output"}},
		"token":      {[]string{"token"}, []string{"token"}},
		"login link": {[]string{"login-link"}, []string{"url"}},
		"env":        {[]string{"env"}, []string{"GRAINMESH_NATS_URL", "GRAINMESH_KEYS", "GRAINMESH_NEIGHBOURS"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := l.object(t, c.args...)
			for _, want := range c.names {
				require.Contains(t, got, want)
			}
		})
	}
	for _, name := range []string{"status", "doctor"} {
		findings := decode[[]finding](t, l.must(t, "--json", name))
		require.NotEmpty(t, findings)
		require.True(t, findings[0].OK)
	}
	require.Len(t, l.object(t, "flow", "grains", audio, "--limit", "5")["grains"], 5)
}

func takesWindows(t *testing.T, l *local) {
	file := wav(5) // 2 s
	flow := l.object(t, "ingest", l.serve("/window.wav", file))["flowIds"].([]any)[0].(string)
	const second = sampleRate * frameBytes
	dir := t.TempDir()
	part := filepath.Join(dir, "part.wav")
	require.NoError(t, os.WriteFile(part, []byte("an older one"), 0o600))
	taken := l.object(t, "window", flow, "[0:500000000_1:500000000)", "-o", part)
	require.Equal(t, map[string]any{"flow": flow, "timerange": "[0:500000000_1:500000000)", "bytes": float64(headBytes + second), "output": part}, taken)
	got, err := os.ReadFile(part)
	require.NoError(t, err)
	require.Equal(t, file[headBytes+second/2:headBytes+3*second/2], got[headBytes:])

	code, out, errOut := l.ask(t, "window", flow, "[0:0_0:500000000)", "-o", "-", "--format", "raw")
	require.Zero(t, code)
	require.Equal(t, string(file[headBytes:headBytes+second/2]), out)
	require.Contains(t, errOut, "[0:0_0:500000000)")

	code, _, errOut = l.ask(t, "window", flow, "[7:0_8:0)", "-o", filepath.Join(dir, "late.wav"))
	require.NotZero(t, code, "%s", errOut)
	require.Equal(t, []string{"part.wav"}, names(t, dir))
}

// nothingOfABrokenWindow is seen, be it the mesh or the user who ends it; what stood
// there before still does.
func nothingOfABrokenWindow(t *testing.T, l *local) {
	file := wav(20)
	flow := l.object(t, "ingest", l.serve("/broken.wav", file))["flowIds"].([]any)[0].(string)
	for name, c := range map[string]struct {
		end  func(c *command, w http.ResponseWriter, r *http.Request)
		code int
	}{
		"the mesh": {func(*command, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, exitUnreachable},
		"the user": {func(c *command, _ http.ResponseWriter, r *http.Request) { c.stop(); <-r.Context().Done() }, exitInterrupted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started := make(chan *command, 1)
			through := l.behind(t, func(w http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
				w.Header().Set("X-Media-Timerange", "_")
				_, _ = w.Write(file[:100_000])
				_ = http.NewResponseController(w).Flush()
				c.end(<-started, w, r)
			})
			dir := t.TempDir()
			for _, output := range []string{"new.wav", "kept.wav"} {
				path := filepath.Join(dir, output)
				if output == "kept.wav" {
					require.NoError(t, os.WriteFile(path, []byte("as it was"), 0o600))
				}
				running := begin(t, append(through, "window", flow, "_", "-o", path)...)
				started <- running
				require.Equal(t, c.code, running.end(t), "%s", &running.err)
			}
			require.Equal(t, []string{"kept.wav"}, names(t, dir))
			kept, err := os.ReadFile(filepath.Join(dir, "kept.wav"))
			require.NoError(t, err)
			require.Equal(t, "as it was", string(kept))
		})
	}
}

// names lists the files of a folder, hidden ones too.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}
