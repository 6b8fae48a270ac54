// Command jobs measures jobs through all layers of a mesh in one process, prints a
// table and writes bench/jobs.json. With -short it takes a few seconds.
//
// What is measured, on a real Postgres that syncs to disk:
//
//   - jobs_per_s: one-second WAV files, each another URL of a server on loopback,
//     submitted in bulk; from the submission of the first to the end of the last.
//   - mesh_cpu_ms_per_job, servers_cpu_ms_per_job: the processor time that each of
//     these took, of the mesh with its queue and object store, and of Postgres and
//     Redis. Together with the number of cores they bound jobs_per_s, and they hardly
//     change with what else the machine does.
//   - idle_p50_ms, idle_p99_ms: one such job at a time on a mesh that does nothing
//     else; from the call that makes it until the call that sees it completed.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/grainmesh/grainmesh/integration/bench"
	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/service"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
)

// effort is how much is measured.
type effort struct{ bulk, idle int }

const (
	sampleRate = 48_000
	bulkSize   = 250              // jobs in one submission
	poll       = time.Millisecond // of a job that is waited for alone
	bulkPoll   = 50 * time.Millisecond
)

func main() {
	short := flag.Bool("short", false, "take a few seconds")
	profile := flag.String("cpuprofile", "", "file for a profile of the bulk part")
	flag.Parse()
	e := effort{bulk: 1000, idle: 100}
	if *short {
		e = effort{bulk: 100, idle: 20}
	}
	if err := run(e, *profile); err != nil {
		fmt.Fprintln(os.Stderr, "jobs:", err)
		os.Exit(1)
	}
}

func run(e effort, profile string) error {
	source, err := serveWAV()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "grainmesh-bench-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx, cancel := context.WithCancel(context.Background())
	ready, stopped := make(chan string, 1), make(chan error, 1)
	settings := service.Settings{Listen: "127.0.0.1:0", InternalListen: "127.0.0.1:0", Region: "bench", S3Bucket: "grainmesh", AllowHosts: []string{source}}
	go func() {
		stopped <- mesh.Run(ctx, mesh.Options{Dir: dir, Settings: settings, Log: telemetry.Discard(), Ready: func(r mesh.Running) { ready <- r.PublicURL }})
	}()
	select {
	case err := <-stopped:
		cancel()
		return fmt.Errorf("start the mesh: %w", err)
	case url := <-ready:
		err := measure(ctx, e, profile, newClient(url, dir), "http://"+source)
		cancel()
		return errors.Join(err, <-stopped)
	}
}

// serveWAV serves one second of stereo at every path, and returns its host.
func serveWAV() (string, error) {
	body := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x02\x00"), 0x80, 0xbb, 0, 0, 0, 0xee, 2, 0, 4, 0, 16, 0)
	body = append(body, "data"...)
	body = binary.LittleEndian.AppendUint32(body, 4*sampleRate)
	body = append(body, make([]byte, 4*sampleRate)...)
	binary.LittleEndian.PutUint32(body[4:], uint32(len(body)-8))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("serve the source: %w", err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"one-second"`)
		http.ServeContent(w, r, "take.wav", time.Time{}, io.NewSectionReader(sliceReader(body), 0, int64(len(body))))
	})}
	go func() { _ = server.Serve(listener) }()
	return listener.Addr().String(), nil
}

type sliceReader []byte

func (s sliceReader) ReadAt(b []byte, off int64) (int, error) {
	n := copy(b, s[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func newClient(url, dir string) jobv1.Jobs {
	client := serve.NewHTTPClient(func(context.Context) (string, error) {
		signer, err := auth.OpenKeyring(filepath.Join(dir, "keys")).Signer(mesh.UserIssuer)
		if err != nil {
			return "", err
		}
		return signer.Issue(&auth.Identity{Subject: "bench", Tenant: "bench", Scopes: auth.UserScopes()}, auth.AudienceUsers, time.Hour)
	})
	return jobv1.NewJobsProtobufClient(url, client, serve.ClientOption())
}

func measure(ctx context.Context, e effort, profile string, jobs jobv1.Jobs, source string) error {
	if _, err := oneByOne(ctx, jobs, source, e.idle/10+1); err != nil { // warms caches and connections
		return err
	}
	idle, err := oneByOne(ctx, jobs, source, e.idle)
	if err != nil {
		return err
	}
	if profile != "" {
		file, err := os.Create(profile)
		if err != nil {
			return fmt.Errorf("profile: %w", err)
		}
		if err := pprof.StartCPUProfile(file); err != nil {
			return fmt.Errorf("profile: %w", err)
		}
	}
	before, err := readCPU()
	if err != nil {
		return err
	}
	took, err := inBulk(ctx, jobs, source, e.bulk)
	pprof.StopCPUProfile()
	if err != nil {
		return err
	}
	after, err := readCPU()
	if err != nil {
		return err
	}
	spent := after.since(before)
	report := bench.New("jobs")
	report.Add("jobs_per_s", float64(e.bulk)/took.Seconds(), "jobs/s", bench.AtLeast(200))
	report.Add("mesh_cpu_ms_per_job", ms(spent.mesh)/float64(e.bulk), "ms", bench.Goal{})
	report.Add("servers_cpu_ms_per_job", ms(spent.servers)/float64(e.bulk), "ms", bench.Goal{})
	report.Add("idle_p50_ms", ms(idle[len(idle)/2]), "ms", bench.AtMost(25))
	report.Add("idle_p99_ms", ms(idle[len(idle)*99/100]), "ms", bench.Goal{})
	return report.Finish(os.Stdout)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func request(source, name string) *jobv1.CreateJobRequest {
	return &jobv1.CreateJobRequest{Spec: &jobv1.IngestSpec{Url: source + "/" + name + ".wav", MimeType: "audio/wav"}}
}

var errNotCompleted = errors.New("a job did not complete")

// oneByOne ingests files one after the other and returns how long each took, sorted.
func oneByOne(ctx context.Context, jobs jobv1.Jobs, source string, n int) ([]time.Duration, error) {
	took := make([]time.Duration, n)
	for i := range took {
		started := time.Now()
		created, err := jobs.CreateJob(ctx, request(source, fmt.Sprintf("idle-%d", i)))
		if err != nil {
			return nil, err
		}
		for job := created.GetJob(); job.GetFinishedUnixNs() == 0; {
			if err := wait(ctx, poll); err != nil {
				return nil, err
			}
			got, err := jobs.GetJob(ctx, &jobv1.GetJobRequest{Id: job.GetId()})
			if err != nil {
				return nil, err
			}
			if job = got.GetJob(); job.GetFailure() != nil {
				return nil, fmt.Errorf("%w: %s", errNotCompleted, job.GetFailure().GetMessage())
			}
		}
		took[i] = time.Since(started)
	}
	slices.Sort(took)
	return took, nil
}

// inBulk submits n jobs and waits until all have completed.
func inBulk(ctx context.Context, jobs jobv1.Jobs, source string, n int) (time.Duration, error) {
	started := time.Now()
	var last string
	for from := 0; from < n; from += bulkSize {
		submission := &jobv1.CreateJobsRequest{}
		for i := from; i < min(from+bulkSize, n); i++ {
			submission.Jobs = append(submission.Jobs, request(source, fmt.Sprintf("bulk-%d", i)))
		}
		response, err := jobs.CreateJobs(ctx, submission)
		if err != nil {
			return 0, err
		}
		last = response.GetJobs()[len(response.GetJobs())-1].GetId()
	}
	if err := awaitNone(ctx, jobs); err != nil {
		return 0, err
	}
	took := time.Since(started)
	failed, err := jobs.ListJobs(ctx, &jobv1.ListJobsRequest{States: []jobv1.JobState{jobv1.JobState_JOB_STATE_FAILED}, PageSize: 1})
	if err == nil && len(failed.GetJobs()) > 0 {
		err = fmt.Errorf("%w: %s (the last is %s)", errNotCompleted, failed.GetJobs()[0].GetFailure().GetMessage(), last)
	}
	return took, err
}

// awaitNone waits until no job is open.
func awaitNone(ctx context.Context, jobs jobv1.Jobs) error {
	open := &jobv1.ListJobsRequest{PageSize: 1, States: []jobv1.JobState{
		jobv1.JobState_JOB_STATE_ANALYSING, jobv1.JobState_JOB_STATE_CHUNKING, jobv1.JobState_JOB_STATE_READING,
		jobv1.JobState_JOB_STATE_CLOSING, jobv1.JobState_JOB_STATE_DISCARDING,
	}}
	for {
		response, err := jobs.ListJobs(ctx, open)
		if err != nil || len(response.GetJobs()) == 0 {
			return err
		}
		if err := wait(ctx, bulkPoll); err != nil {
			return err
		}
	}
}

// wait pauses, or returns the reason why ctx ended.
func wait(ctx context.Context, pause time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(pause):
		return nil
	}
}
