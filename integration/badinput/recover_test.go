package badinput_test

import (
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/rangereader"
	"github.com/grainmesh/grainmesh/pkg/rangereader/rangetest"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	jobapi "github.com/grainmesh/grainmesh/services/job-api"
)

// reset ends every connection without an answer, and not in order.
func reset() rangetest.Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ int, _ http.HandlerFunc) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}

// outage misbehaves after the first so many requests, for so many more.
func outage(after, requests int, f rangetest.Fault) rangetest.Fault {
	return rangetest.After(after, rangetest.First(after+requests, f))
}

// TestSourcesThatMayRecover has sources that fail as those do that work again later. A
// job fails only when all attempts have, and says then that a retry can help; it succeeds
// when its source works again before.
func TestSourcesThatMayRecover(t *testing.T) {
	t.Parallel()
	const attempts = 2
	mesh := harness.New(t, harness.Options{Adjust: func(config any) {
		if c, ok := config.(*jobapi.Config); ok {
			c.MaxAttempts, c.RetryBase = attempts, 10*time.Millisecond
		}
	}})
	database := mesh.Database(t)
	tries := rangereader.Default().Tries // of one attempt
	for i, c := range []struct {
		name  string
		after int // requests
		fault rangetest.Fault
		says  string
	}{
		{"503", 0, rangetest.Answer(http.StatusServiceUnavailable), "503"},
		{"connections are reset", 0, reset(), "reset"},
		{"answers without a body", 0, rangetest.Cut(0), "EOF"},
		{"503 once it is known what is in it", 1, rangetest.Answer(http.StatusServiceUnavailable), "503"},
	} {
		begin := func(t *testing.T, how string, f rangetest.Fault) (user *harness.User, tenant, path string, job *jobv1.Job) {
			t.Helper()
			tenant, path = fmt.Sprintf("%s-%d", how, i), fmt.Sprintf("/%s-%d.wav", how, i)
			user = mesh.User(t, tenant)
			mesh.Source.MisbehaveAt(path, f)
			url := mesh.Source.Set(path, harness.File(harness.WAV(harness.SampleRate)))
			job = user.Await(t, user.Submit(t, &jobv1.IngestSpec{Url: url, MimeType: "audio/wav", NewIds: true}).GetId())
			return user, tenant, path, job
		}
		asked := func(path string) int {
			n := 0
			for _, request := range mesh.Source.Requests() {
				if request.Path == path {
					n++
				}
			}
			return n
		}
		t.Run(c.name+" for good", func(t *testing.T) {
			t.Parallel()
			user, tenant, path, job := begin(t, "lost", rangetest.After(c.after, c.fault))
			require.Equal(t, jobv1.JobState_JOB_STATE_FAILED, job.GetState())
			failure := job.GetFailure()
			require.Equal(t, string(fault.SourceUnreachable), failure.GetCode(), failure.GetMessage())
			require.Equal(t, string(fault.Customer), failure.GetFault())
			require.True(t, failure.GetRetryable(), failure.GetMessage())
			require.Contains(t, failure.GetMessage(), c.says)
			require.Contains(t, failure.GetMessage(), path)
			// net/http asks by itself once more where a connection that it had kept is reset.
			require.GreaterOrEqual(t, asked(path), c.after+attempts*tries, "every attempt has tried as often as it may")
			require.LessOrEqual(t, asked(path), c.after+2*attempts*tries)
			requireNothingStored(t, user, database, tenant, job.GetFlowIds())
		})
		t.Run(c.name+" for one attempt", func(t *testing.T) {
			t.Parallel()
			_, _, path, job := begin(t, "back", outage(c.after, tries+1, c.fault))
			require.Equal(t, jobv1.JobState_JOB_STATE_COMPLETED, job.GetState(), "%v", job.GetFailure())
			require.Greater(t, asked(path), c.after+tries+1)
		})
	}
}
