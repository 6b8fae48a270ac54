package chunker

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/work"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

// do plans one job: it makes the Flows, then reports the chunks as they are found.
func (s *Service) do(ctx context.Context, t *work.Task) error {
	document := t.GetChunk()
	analysis, err := formats.AnalysisFromProto(document.GetAnalysis())
	if err != nil {
		return fmt.Errorf("analysis of job %s: %w", t.GetJobId(), err)
	}
	job, err := uuid.Parse(t.GetJobId())
	if err != nil {
		return fmt.Errorf("job id: %w", err)
	}
	set, err := makeFlows(job, t.GetRun(), document.GetSpec(), analysis)
	if err != nil {
		return err
	}
	flows := set.proto()
	err = t.Report(ctx, func(ctx context.Context) error {
		_, err := s.deps.Store.PutFlows(ctx, &mediastorev1.PutFlowsRequest{JobId: t.GetJobId(), Run: t.GetRun(), Flows: flows})
		return err
	})
	if fault.Is(err, fault.Conflict) && !document.GetSpec().GetNewIds() && namesFlows(analysis) {
		return fault.Newf(fault.Conflict, "%w; the file names its Flows itself, and new_ids gives them new ids", err)
	}
	if err != nil {
		return err
	}
	report := &reporter{ctx: ctx, reports: s.deps.Reports, task: t, flows: flows}
	file := s.later(ctx, t.GetTenant(), document.GetSpec().GetUrl(), analysis)
	defer file.close()
	err = s.plan(ctx, file, t.Input(file, nil), &formats.PlanRequest{
		Analysis: analysis, Flows: set.byTrack, Shift: set.shift, Range: set.wanted, Sizes: sizesOf(document.GetSizes()),
	}, report.add)
	if err != nil {
		return err
	}
	return report.flush(true)
}

// namesFlows says whether a file brings the ids of its Flows along, as GSF does.
func namesFlows(a *formats.Analysis) bool {
	return slices.ContainsFunc(a.Tracks, func(t formats.Track) bool { return t.GivenFlow != uuid.Nil })
}

// plan splits a file, which it reads through in.
func (s *Service) plan(ctx context.Context, file *laterFile, in formats.Input, req *formats.PlanRequest, emit func(*formats.Chunk) error) error {
	format, err := s.deps.Formats.ByName(req.Analysis.Format)
	if err != nil {
		return err
	}
	if err := format.Plan(ctx, in, req, emit); err != nil {
		return fmt.Errorf("%s: %w", file.name(), err)
	}
	return nil
}

func sizesOf(s *jobv1.Sizes) formats.Sizes {
	return formats.Sizes{
		ChunkBytes: s.GetChunkBytes(), MaxChunkBytes: s.GetMaxChunkBytes(), ChunkDuration: mediatime.Time(s.GetChunkDurationNs()),
		VideoObject: s.GetVideoObjectBytes(), AudioObject: s.GetAudioObjectBytes(),
		AudioDuration: mediatime.Time(s.GetAudioObjectDurationNs()), Grains: int(s.GetGrainsPerObject()),
	}
}

// batch bounds the chunks of one report.
const batch = 200

// reporter hands chunks to the owner in batches.
type reporter struct {
	ctx     context.Context //nolint:containedctx // lives as long as one attempt
	reports jobv1.Reports
	task    *work.Task
	flows   []*mediav1.Flow
	chunks  []*mediav1.Chunk
}

func (r *reporter) add(c *formats.Chunk) error {
	r.chunks = append(r.chunks, c.Proto())
	if len(r.chunks) < batch {
		return nil
	}
	return r.flush(false)
}

func (r *reporter) flush(last bool) error {
	err := r.task.Report(r.ctx, func(ctx context.Context) error {
		_, err := r.reports.ReportChunks(ctx, &jobv1.ReportChunksRequest{
			Id: r.task.ID, Epoch: r.task.GetEpoch(), JobId: r.task.GetJobId(), Chunks: r.chunks, Flows: r.flows, Last: last,
		})
		return err
	})
	r.chunks, r.flows = nil, nil
	return err
}

// flowSet is what a run writes.
type flowSet struct {
	byTrack map[int]*media.Flow
	ordered []*media.Flow // essences in the order of their tracks, then the multi Flow
	shift   mediatime.Time
	wanted  mediatime.Range
}

func (f *flowSet) proto() []*mediav1.Flow {
	out := make([]*mediav1.Flow, len(f.ordered))
	for i, flow := range f.ordered {
		out[i] = flow.Proto()
	}
	return out
}
