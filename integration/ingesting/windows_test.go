package ingesting_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// requirePictures says that a window of whole frames is the film's.
func (g *growing) requirePictures(t *testing.T, flow, timerange string, from, to int) {
	t.Helper()
	got := g.user.Window(t, flow, "format=mp4&timerange="+timerange)
	require.Equal(t, http.StatusOK, got.Status, "%s: %s", timerange, got.Body)
	file := filepath.Join(t.TempDir(), "w.mp4")
	require.NoError(t, os.WriteFile(file, got.Body, 0o600))
	require.Equal(t, g.pictures[from:to], mediatest.FrameHashes(t, file, "v"), timerange)
}

// requireSound says that a window of raw sound is the film's.
func (g *growing) requireSound(t *testing.T, timerange string, from, to int) {
	t.Helper()
	got := g.user.Window(t, g.raw, "format=raw&timerange="+timerange)
	require.Equal(t, http.StatusOK, got.Status, "%s: %s", timerange, got.Body)
	require.Equal(t, g.sound[from*sampleRate*sampleBytes:to*sampleRate*sampleBytes], got.Body, timerange)
}

// requireRefused says that a window is refused, and with what.
func (g *growing) requireRefused(t *testing.T, timerange string, status int, code fault.Code) {
	t.Helper()
	for _, w := range []struct{ flow, format string }{
		{g.video, "mp4"}, {g.video, "mov"}, {g.video, "gsf"}, {g.video, "raw"}, {g.coded, "mp4"}, {g.coded, "gsf"},
		{g.raw, "wav"}, {g.raw, "raw"}, {g.raw, "mov"}, {g.multi, "mp4"}, {g.multi, "gsf"},
	} {
		requireCode(t, g.user.Window(t, w.flow, "format="+w.format+"&timerange="+timerange), status, code)
	}
}

func requireCode(t *testing.T, got *harness.Answer, status int, code fault.Code) {
	t.Helper()
	require.Equal(t, status, got.Status, "%.300s", got.Body)
	var body struct {
		Code    fault.Code
		Message string
	}
	require.NoError(t, json.Unmarshal(got.Body, &body))
	require.Equal(t, code, body.Code, body.Message)
	require.NotEmpty(t, body.Message)
}

// windowsAsItGrows are exact where all that they show is there, and refused elsewhere.
func windowsAsItGrows(t *testing.T, b *bundle) {
	g := b.begin(t, jobv1.OnFailure_ON_FAILURE_DISCARD)
	g.requireRefused(t, span(0, 1), http.StatusConflict, fault.WrongState)
	g.let(t, 0, 2)
	g.requirePictures(t, g.video, span(0, 2), 0, 2*rate)
	for _, flow := range []string{g.video, g.multi} {
		g.requirePictures(t, flow, span(0, 1), 0, rate)
		g.requirePictures(t, flow, "[0:520000000_1:480000000)", 13, 37)
		g.requirePictures(t, flow, span(4, 5), 4*rate, 5*rate) // behind the gap
	}
	g.requireSound(t, span(0, 1), 0, 1)
	g.requireSound(t, span(4, 5), 4, 5)
	for _, wanted := range []string{span(1, 3), span(0, filmSeconds), span(2, 3), span(1, 5), span(3, 5), span(5, 7), span(7, 8), "[0:0_2:40000000)"} {
		g.requireRefused(t, wanted, http.StatusConflict, fault.WrongState)
	}
	g.requireRefused(t, span(filmSeconds+1, filmSeconds+2), http.StatusNotFound, fault.NotFound)
	g.requireRefused(t, "_", http.StatusConflict, fault.WrongState) // all that there is has a gap

	g.let(t, 1)
	g.requirePictures(t, g.multi, span(0, 5), 0, 5*rate)
	g.requirePictures(t, g.multi, "_", 0, 149) // all that there is
	g.requireSound(t, span(1, 5), 1, 5)
	g.requireRefused(t, span(5, 7), http.StatusConflict, fault.WrongState)

	g.let(t, 3, 4, 5, 6)
	require.Equal(t, jobv1.JobState_JOB_STATE_COMPLETED, g.user.Await(t, g.job).GetState())
	g.requirePictures(t, g.multi, span(5, 7), 5*rate, 7*rate)
	g.requirePictures(t, g.multi, span(5, 2*filmSeconds), 5*rate, filmSeconds*rate)
	g.requireSound(t, "_", 0, filmSeconds)
}
