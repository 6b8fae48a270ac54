package tenants_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// TestEvents lets B follow what happens while A ingests, from now on and from the
// first event that the mesh has kept.
func TestEvents(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.fill(t)
	for name, query := range map[string]string{"from now on": "", "from the beginning": "?last_event_id=1"} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+"/events"+query, nil)
			require.NoError(t, err)
			request.Header.Set("Authorization", "Bearer "+w.b.Token)
			response, err := w.client.Do(request)
			require.NoError(t, err)
			defer response.Body.Close()
			require.Equal(t, http.StatusOK, response.StatusCode)
			ofA := w.a.Ingest(t, &jobv1.IngestSpec{Url: w.Source.Set("/secret-take.wav", harness.File(harness.WAV(harness.SampleRate)))})
			ofB := w.b.Ingest(t, &jobv1.IngestSpec{Url: w.Source.Set("/b.wav", harness.File(harness.WAV(100)))})
			seen := until(t, bufio.NewScanner(response.Body), ofB.GetId(), "COMPLETED")
			require.NotContains(t, seen, ofA.GetId())
			for _, flow := range ofA.GetFlowIds() {
				require.NotContains(t, seen, flow)
			}
			w.requireSilent(t, "", []byte(seen))
		})
	}
}

// until reads a stream up to the event that has all the words.
func until(t *testing.T, lines *bufio.Scanner, words ...string) string {
	t.Helper()
	var seen strings.Builder
	for lines.Scan() {
		seen.WriteString(lines.Text() + "\n")
		found := true
		for _, word := range words {
			found = found && strings.Contains(lines.Text(), word)
		}
		if found {
			return seen.String()
		}
	}
	require.Fail(t, "the stream ended", "%v\n%s", lines.Err(), seen.String())
	return ""
}
