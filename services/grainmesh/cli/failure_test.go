package cli

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
)

func failuresAreTold(t *testing.T, l *local) {
	text := saved(t, "letter.mp4", []byte("Dear Sir or Madam"))
	code, _, errOut := l.ask(t, "ingest", text)
	require.Equal(t, exitJobFailed, code)
	require.Regexp(t, `grainmesh: job [0-9a-f-]+ failed: letter\.mp4: .* \(code [a-z_]+; a retry cannot help\)\nIts path: grainmesh job trace [0-9a-f-]+\n`, errOut)
	require.NotContains(t, errOut, "s3://")

	code, out, _ := l.ask(t, "--json", "ingest", text)
	require.Equal(t, exitJobFailed, code)
	job := decode[map[string]any](t, out)
	require.Equal(t, "JOB_STATE_FAILED", job["state"])
	code, out, _ = l.ask(t, "--json", "job", "watch", job["id"].(string))
	require.Equal(t, exitJobFailed, code)
	require.Equal(t, job["id"], decode[map[string]any](t, out)["id"])

	for want, args := range map[fault.Code][]string{
		fault.NotFound:        {"job", "show", "00000000-0000-4000-8000-000000000000"},
		fault.InvalidArgument: {"job", "list", "surplus"},
		fault.UnknownMIMEType: {"ingest", "--mime", "text/plain", text},
	} {
		_, out, errOut = l.ask(t, append([]string{"--json"}, args...)...)
		told := decode[map[string]failed](t, out)["error"]
		require.Equal(t, want, told.Code)
		require.Contains(t, errOut, told.Message)
		require.False(t, told.Retryable)
	}
}

// abortsItsUpload is interrupted when all parts are there and are to be joined.
func abortsItsUpload(t *testing.T, l *local) {
	started, aborted := make(chan *command, 1), make(chan struct{})
	through := l.behind(t, func(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/CompleteUpload"):
			_, _ = io.Copy(io.Discard, r.Body) // only then is it seen that the client is gone
			(<-started).stop()
			<-r.Context().Done()
		case strings.HasSuffix(r.URL.Path, "/AbortUpload"):
			defer close(aborted)
			fallthrough
		default:
			pass(w, r)
		}
	})
	c := begin(t, append(through, "ingest", saved(t, "half.wav", wav(1)))...)
	started <- c
	require.Equal(t, exitInterrupted, c.end(t), "%s", &c.err)
	select {
	case <-aborted:
	default:
		require.Fail(t, "its parts stay in the store")
	}
}

func TestACancelledJobIsSaidToBe(t *testing.T) {
	t.Parallel()
	err := &jobError{&jobv1.Job{Id: "7", State: jobv1.JobState_JOB_STATE_CANCELLED}}
	require.Equal(t, "grainmesh: job 7 was cancelled", describe(err))
	require.Equal(t, exitJobFailed, exitCode(err))
}

// A bar never tells more than there is, nor less of what has completed.
func TestBarOfAJob(t *testing.T) {
	t.Parallel()
	for _, end := range []jobv1.JobState{jobv1.JobState_JOB_STATE_COMPLETED, jobv1.JobState_JOB_STATE_FAILED} {
		person, terminal := openTerminal(t)
		b := newBar(terminal, true)
		b.job(&jobv1.Job{State: jobv1.JobState_JOB_STATE_ANALYSING})
		b.job(&jobv1.Job{State: jobv1.JobState_JOB_STATE_READING, BytesTotal: 1000, BytesDone: 440})
		b.job(&jobv1.Job{State: jobv1.JobState_JOB_STATE_CLOSING, BytesTotal: 1000, BytesDone: 1000})
		require.False(t, b.bar.IsFinished(), "its Flows are not closed")
		b.job(&jobv1.Job{State: end, BytesTotal: 1000, BytesDone: 1000})
		require.Equal(t, end == jobv1.JobState_JOB_STATE_COMPLETED, b.bar.IsFinished())
		b.finish()
		_, err := terminal.WriteString("\x00")
		require.NoError(t, err)
		var drawn []byte
		for b := make([]byte, 4096); !bytes.HasSuffix(drawn, []byte{0}); {
			n, err := person.Read(b)
			require.NoError(t, err)
			drawn = append(drawn, b[:n]...)
		}
		require.Equal(t, end == jobv1.JobState_JOB_STATE_COMPLETED, strings.Contains(string(drawn), "completed  100%"), "%q", drawn)
		require.NotRegexp(t, `(completed|failed) +0%`, string(drawn))
	}
}

func TestWhatAFlowIs(t *testing.T) {
	t.Parallel()
	require.Equal(t, "audio/aac 44100 Hz, 2 ch", essence(&mediav1.Flow{Codec: "audio/aac", Audio: &mediav1.Audio{SampleRate: 44100, Channels: 2}}))
	require.Equal(t, "2 members", essence(&mediav1.Flow{Format: "urn:x-nmos:format:multi", Collection: make([]*mediav1.CollectionItem, 2)}))
}
