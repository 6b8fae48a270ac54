package chunker

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/rangereader"
	"github.com/grainmesh/grainmesh/pkg/rangereader/rangetest"
	"github.com/grainmesh/grainmesh/pkg/sources"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/urlguard"
	"github.com/grainmesh/grainmesh/pkg/work/worktest"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

// format is a format whose plan is the test's.
type format struct {
	formats.Format
	plan func(in formats.Input, req *formats.PlanRequest, emit func(*formats.Chunk) error) error
}

func (f *format) Name() string         { return "film" }
func (f *format) MIMETypes() []string  { return []string{"video/x-film"} }
func (f *format) Extensions() []string { return []string{".film"} }

func (f *format) Plan(_ context.Context, in formats.Input, req *formats.PlanRequest, emit func(*formats.Chunk) error) error {
	return f.plan(in, req, emit)
}

// emitted plans n chunks by arithmetic.
func emitted(n int) func(formats.Input, *formats.PlanRequest, func(*formats.Chunk) error) error {
	return func(_ formats.Input, _ *formats.PlanRequest, emit func(*formats.Chunk) error) error {
		for i := range n {
			if err := emit(&formats.Chunk{Number: i}); err != nil {
				return err
			}
		}
		return nil
	}
}

// store is a media-store that is told of Flows.
type store struct {
	mediastorev1.Segments
	putFlows func(*mediastorev1.PutFlowsRequest) error
}

func (s *store) PutFlows(_ context.Context, r *mediastorev1.PutFlowsRequest) (*mediastorev1.PutFlowsResponse, error) {
	return &mediastorev1.PutFlowsResponse{}, s.putFlows(r)
}

// reports is an owner that is told of plans.
type reports struct {
	jobv1.Reports
	chunks func(*jobv1.ReportChunksRequest) error
}

func (r *reports) ReportChunks(_ context.Context, in *jobv1.ReportChunksRequest) (*jobv1.ReportChunksResponse, error) {
	return &jobv1.ReportChunksResponse{}, r.chunks(in)
}

// bundle is a chunker of one format, with what it told.
type bundle struct {
	*Service
	format  *format
	files   *rangetest.Server
	store   *store
	reports *reports
	put     []*mediastorev1.PutFlowsRequest
	told    []*jobv1.ReportChunksRequest
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{format: &format{}, files: rangetest.New(t), store: &store{}, reports: &reports{}}
	b.store.putFlows = func(r *mediastorev1.PutFlowsRequest) error {
		b.put = append(b.put, r)
		return nil
	}
	b.reports.chunks = func(r *jobv1.ReportChunksRequest) error {
		b.told = append(b.told, r)
		return nil
	}
	registry, err := formats.NewRegistry(b.format)
	require.NoError(t, err)
	guard, err := urlguard.New(urlguard.Config{Allow: []string{b.files.Host()}})
	require.NoError(t, err)
	opener, err := rangereader.New(rangereader.Config{Guard: guard})
	require.NoError(t, err)
	t.Cleanup(opener.Close)
	b.Service, err = New(Config{Policy: worktest.Policy()}, Deps{
		Reports: b.reports, Store: b.store, Sources: sources.New(opener, "media"), Formats: registry,
	})
	require.NoError(t, err)
	return b
}

// planFilm has the film of a job planned.
func (b *bundle) planFilm(t *testing.T, change ...func(*jobv1.ChunkDocument)) error {
	t.Helper()
	analysis := film()
	analysis.Size, analysis.ETag = 1000, `"one"`
	document := &jobv1.ChunkDocument{
		Spec:     &jobv1.IngestSpec{Url: b.files.Set("/film", rangetest.File{Content: rangetest.Pattern(1), Size: 1000, ETag: `"one"`})},
		Analysis: analysis.Proto(), Sizes: &jobv1.Sizes{ChunkBytes: 7, MaxChunkBytes: 70, ChunkDurationNs: 5, GrainsPerObject: 3},
	}
	for _, f := range change {
		f(document)
	}
	started := &jobv1.StartWorkResponse{
		Epoch: 2, Run: 3, Tenant: "acme", JobId: job().String(), Document: &jobv1.StartWorkResponse_Chunk{Chunk: document},
	}
	return worktest.New(t, subjects.Chunk).Do(t, started, b.do)
}

func TestAPlanIsReportedInBatches(t *testing.T) {
	t.Parallel()
	for chunks, want := range map[int][]int{0: {0}, 1: {1}, batch - 1: {batch - 1}, batch: {batch, 0}, 2*batch + 7: {batch, batch, 7}} {
		b := setup(t)
		b.format.plan = emitted(chunks)
		require.NoError(t, b.planFilm(t))
		require.Len(t, b.put, 1)
		var sizes []int
		var numbers []int32
		for i, r := range b.told {
			sizes = append(sizes, len(r.GetChunks()))
			require.EqualValues(t, 2, r.GetEpoch())
			require.Equal(t, i == len(b.told)-1, r.GetLast())
			require.Equal(t, i == 0, len(r.GetFlows()) == 4, "Flows go with the first report")
			for _, c := range r.GetChunks() {
				numbers = append(numbers, c.GetNumber())
			}
		}
		require.Equal(t, want, sizes)
		require.True(t, slices.IsSorted(numbers))
		require.Len(t, numbers, chunks)
		require.Empty(t, b.files.Requests(), "a plan by arithmetic makes no request")
	}
}

func TestFlowsAreInTheStoreBeforeAnyChunk(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var asked *formats.PlanRequest
	stored := 0
	b.format.plan = func(_ formats.Input, req *formats.PlanRequest, _ func(*formats.Chunk) error) error {
		asked, stored = req, len(b.put)
		return nil
	}
	require.NoError(t, b.planFilm(t))
	require.Equal(t, 1, stored)
	require.Equal(t, job().String(), b.put[0].GetJobId())
	require.EqualValues(t, 3, b.put[0].GetRun())
	for _, flow := range asked.Flows {
		require.True(t, slices.ContainsFunc(b.put[0].GetFlows(), func(f *mediav1.Flow) bool { return f.GetId() == flow.ID.String() }))
	}
	require.Equal(t, formats.Sizes{ChunkBytes: 7, MaxChunkBytes: 70, ChunkDuration: 5, Grains: 3}, asked.Sizes)
	require.Equal(t, mediatime.Eternity, asked.Range)
	require.Equal(t, b.put[0].GetFlows()[0].GetId(), b.told[0].GetFlows()[0].GetId())
}

func TestTheFileIsTheOneThatWasAnalysed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got, size := make([]byte, 10), int64(0)
	b.format.plan = func(in formats.Input, _ *formats.PlanRequest, _ func(*formats.Chunk) error) error {
		size = in.Size()
		_, err := in.ReadAt(got, 20)
		return err
	}
	require.NoError(t, b.planFilm(t))
	require.EqualValues(t, 1000, size)
	require.Equal(t, rangetest.Pattern(1).Bytes(20, 30), got)
	require.Len(t, b.told, 1)

	err := b.planFilm(t, func(d *jobv1.ChunkDocument) { d.Analysis.Etag = `"another"` })
	require.True(t, fault.Is(err, fault.SourceChanged), "%v", err)
	require.ErrorContains(t, err, "film")
	require.Len(t, b.told, 1, "a plan that failed is not reported as the last")
}

func TestAStoreThatIsAwayIsAskedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.format.plan = emitted(1)
	kept := b.store.putFlows
	tries := 0
	b.store.putFlows = func(r *mediastorev1.PutFlowsRequest) error {
		if tries++; tries == 1 {
			return fault.New(fault.Unavailable, "media-store is away")
		}
		return kept(r)
	}
	require.NoError(t, b.planFilm(t))
	require.Equal(t, 2, tries)
}

func TestFlowsThatTheStoreRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.format.plan = func(formats.Input, *formats.PlanRequest, func(*formats.Chunk) error) error {
		return errors.New("nothing shall be planned")
	}
	b.store.putFlows = func(*mediastorev1.PutFlowsRequest) error {
		return fault.New(fault.Conflict, "flow 7 is another job's")
	}
	err := b.planFilm(t)
	require.True(t, fault.Is(err, fault.Conflict))
	require.NotContains(t, err.Error(), "new_ids", "the file names no Flows")

	err = b.planFilm(t, func(d *jobv1.ChunkDocument) { d.Analysis.Tracks[0].GivenFlowId = uuid.NewString() })
	require.True(t, fault.Is(err, fault.Conflict))
	require.ErrorContains(t, err, "flow 7 is another job's; the file names its Flows itself, and new_ids gives them new ids")
	require.Empty(t, b.told)
}

func TestAReportThatIsRefusedEndsThePlan(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.format.plan = emitted(3 * batch)
	reported := 0
	b.reports.chunks = func(*jobv1.ReportChunksRequest) error {
		reported++
		return fault.New(fault.StaleEpoch, "epoch 2 is over")
	}
	require.True(t, fault.Is(b.planFilm(t), fault.StaleEpoch))
	require.Equal(t, 1, reported)
}

func TestAFormatThatIsNotHere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	err := b.planFilm(t, func(d *jobv1.ChunkDocument) { d.Analysis.Format = "tape" })
	require.True(t, fault.Is(err, fault.UnsupportedFile))
	require.ErrorContains(t, err, `"tape"`)
}
