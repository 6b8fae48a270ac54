package ingest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	"github.com/grainmesh/grainmesh/services/job-api/ingest"
)

const secretURL = "https://user:hush@media.example/film.wav?X-Signature=hush&part=hush#hush"

func TestEventsHaveGrowingRevisionsAndNoSecrets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.planned(1, withURL(secretURL))
	b.complete(j.ID, 0)
	b.closed(j.ID)
	var states []jobv1.JobState
	for i, event := range b.facts(j.ID) {
		states = append(states, event.GetState())
		require.EqualValues(t, i+1, event.GetRevision())
		text, err := protojson.Marshal(event)
		require.NoError(t, err)
		require.NotContains(t, string(text), "hush")
		require.Empty(t, event.GetAnalysis().GetState())
		for _, track := range event.GetAnalysis().GetTracks() {
			require.Empty(t, track.GetFlow().GetCodecConfigs())
		}
	}
	require.Equal(t, []jobv1.JobState{
		jobv1.JobState_JOB_STATE_ANALYSING, jobv1.JobState_JOB_STATE_CHUNKING, jobv1.JobState_JOB_STATE_READING,
		jobv1.JobState_JOB_STATE_CLOSING, jobv1.JobState_JOB_STATE_COMPLETED,
	}, states)
	subject := value[string](b, `SELECT subject FROM outbox WHERE lane IS NULL ORDER BY id DESC LIMIT 1`)
	require.Equal(t, subjects.JobChanged.Changed(j.ID.String(), "completed"), subject)
}

func TestEventsOfOtherEnds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, state := range []ingest.State{ingest.Failed, ingest.Cancelled} {
		j := b.stands()[state]()
		_, err := b.Retry(t.Context(), tenantA, j.ID)
		require.NoError(t, err)
		events := b.facts(j.ID)
		for i, event := range events {
			require.EqualValues(t, i+1, event.GetRevision())
		}
		ended, again := events[len(events)-2], events[len(events)-1]
		require.Equal(t, state, ingest.StateFromProto(ended.GetState()))
		require.NotZero(t, ended.GetFinishedUnixNs())
		require.Equal(t, jobv1.JobState_JOB_STATE_ANALYSING, again.GetState())
		require.EqualValues(t, 2, again.GetRun())
		require.Zero(t, again.GetFinishedUnixNs())
	}
}

func TestPublicShowsNoSecrets(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://media.example/film.wav":                       "https://media.example/film.wav",
		"https://user:hush@media.example/film.wav":             "https://media.example/film.wav",
		"https://media.example/film.wav?token=hush&id=2":       "https://media.example/film.wav?token=...&id=...",
		"https://media.example/film.wav#hush":                  "https://media.example/film.wav",
		"s3://key:hush@bucket/film.wav":                        "s3://bucket/film.wav",
		"https://media.example/film.wav?hush":                  "https://media.example/film.wav?...",
		"https://user@media.example:8443/a%20b.wav?c=d%26hush": "https://media.example:8443/a%20b.wav?c=...",
	} {
		j := &ingest.Job{Spec: &jobv1.IngestSpec{Url: in, Label: "film"}}
		shown := j.Public().GetSpec()
		require.Equal(t, want, shown.GetUrl())
		require.Equal(t, "film", shown.GetLabel())
		require.Equal(t, in, j.Spec.GetUrl(), "what readers use stays whole")
	}
}

func TestPublicKeepsTheAnalysisWhole(t *testing.T) {
	t.Parallel()
	j := &ingest.Job{Spec: &jobv1.IngestSpec{}, Analysis: analysis()}
	shown := j.Public().GetAnalysis()
	require.Len(t, shown.GetTracks(), 1)
	require.Empty(t, shown.GetState())
	requireSame(t, analysis(), j.Analysis)
}

func TestEachStateHasAName(t *testing.T) {
	t.Parallel()
	for number := range jobv1.JobState_name {
		state := ingest.StateFromProto(jobv1.JobState(number))
		require.Equal(t, number == 0, state == "", "%d", number)
		j := &ingest.Job{State: state, Spec: &jobv1.IngestSpec{}}
		require.Equal(t, jobv1.JobState(number), j.Public().GetState())
	}
}
