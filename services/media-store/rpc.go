package mediastore

import (
	"context"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/objstore"
	"github.com/grainmesh/grainmesh/pkg/serve"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// rpc serves the Twirp APIs: it decodes, calls the store, and encodes.
type rpc struct {
	store   *store.Store
	bucket  *objstore.Bucket
	config  Config
	metrics *metrics
}

var _ mediastorev1.Segments = (*rpc)(nil)

// caller returns who calls, for which tenant.
func caller(ctx context.Context) (by string, tenant store.Tenant, err error) {
	id := auth.From(ctx)
	if id == nil {
		return "", "", fault.New(fault.Unauthenticated, "this call needs a token")
	}
	tenant = store.Tenant(id.Tenant)
	return id.Subject, tenant, tenant.Check()
}

// PutFlows implements mediastorev1.Segments.
func (r *rpc) PutFlows(ctx context.Context, in *mediastorev1.PutFlowsRequest) (*mediastorev1.PutFlowsResponse, error) {
	by, tenant, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	run, err := decodeRun(in.GetJobId(), in.GetRun())
	if err != nil {
		return nil, err
	}
	flows, err := decodeAll(in.GetFlows(), media.FlowFromProto)
	if err != nil {
		return nil, err
	}
	sources, err := decodeAll(in.GetSources(), media.SourceFromProto)
	if err != nil {
		return nil, err
	}
	if err := r.store.PutFlows(ctx, tenant, run, by, flows, sources); err != nil {
		return nil, err
	}
	return &mediastorev1.PutFlowsResponse{}, nil
}

// AllocateObjects implements mediastorev1.Segments.
func (r *rpc) AllocateObjects(
	ctx context.Context, in *mediastorev1.AllocateObjectsRequest,
) (*mediastorev1.AllocateObjectsResponse, error) {
	_, tenant, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	work, err := serve.ParseID("work_id", in.GetWorkId())
	if err != nil {
		return nil, err
	}
	counts := make(map[uuid.UUID]int, len(in.GetObjects()))
	for text, n := range in.GetObjects() {
		flow, err := serve.ParseID("objects", text)
		if err != nil {
			return nil, err
		}
		counts[flow] = int(n)
	}
	allocated, err := r.store.Allocate(ctx, tenant, in.GetJobId(), work, counts)
	if err != nil {
		return nil, err
	}
	r.metrics.allocated.Add(float64(len(allocated)))
	return r.encodeAllocated(allocated)
}

func (r *rpc) encodeAllocated(allocated []store.Allocated) (*mediastorev1.AllocateObjectsResponse, error) {
	out := &mediastorev1.AllocateObjectsResponse{Objects: make([]*mediastorev1.AllocatedObject, len(allocated))}
	for i, a := range allocated {
		put, err := r.bucket.PresignPut(a.Key, r.config.UploadTTL, objstore.Internal)
		if err != nil {
			return nil, err
		}
		headers := make(map[string]string, len(put.Header))
		for name := range put.Header {
			headers[name] = put.Header.Get(name)
		}
		out.Objects[i] = &mediastorev1.AllocatedObject{FlowId: a.FlowID.String(), ObjectId: a.ID, PutUrl: put.URL, Headers: headers}
	}
	return out, nil
}

// RegisterSegments implements mediastorev1.Segments.
func (r *rpc) RegisterSegments(
	ctx context.Context, in *mediastorev1.RegisterSegmentsRequest,
) (*mediastorev1.RegisterSegmentsResponse, error) {
	_, tenant, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	registration, err := decodeRegistration(in)
	if err != nil {
		return nil, err
	}
	stored, err := r.store.Register(ctx, tenant, registration)
	if err != nil {
		return nil, err
	}
	if !stored {
		r.metrics.repeats.Inc()
		return &mediastorev1.RegisterSegmentsResponse{}, nil
	}
	for i := range registration.Segments {
		r.metrics.segments.Inc()
		r.metrics.bytes.Add(float64(registration.Segments[i].Object.Size))
	}
	return &mediastorev1.RegisterSegmentsResponse{Stored: true}, nil
}

func decodeRegistration(in *mediastorev1.RegisterSegmentsRequest) (store.Registration, error) {
	out := store.Registration{Epoch: in.GetEpoch()}
	var err error
	if out.WorkID, err = serve.ParseID("work_id", in.GetWorkId()); err != nil {
		return out, err
	}
	if out.Run, err = decodeRun(in.GetJobId(), in.GetRun()); err != nil {
		return out, err
	}
	out.Segments, err = decodeAll(in.GetSegments(), decodeSegment)
	return out, err
}

func decodeSegment(in *mediastorev1.NewSegment) (store.NewSegment, error) {
	out := store.NewSegment{
		Segment: store.Segment{ObjectID: in.GetObjectId()},
		Object: store.ObjectFacts{
			Size: in.GetSize(), SHA256: in.GetSha256(), Grains: in.GetGrains(), KeyFrames: in.GetKeyFrames(), Index: in.GetIndex(),
		},
	}
	var err error
	if out.FlowID, err = serve.ParseID("flow_id", in.GetFlowId()); err != nil {
		return out, err
	}
	if out.Range, err = decodeRange(in.GetTimerange()); err != nil {
		return out, err
	}
	if text := in.GetObjectTimerange(); text != "" {
		out.Object.Range, err = decodeRange(text)
	}
	return out, err
}

// EndFlows implements mediastorev1.Segments.
func (r *rpc) EndFlows(ctx context.Context, in *mediastorev1.EndFlowsRequest) (*mediastorev1.EndFlowsResponse, error) {
	_, tenant, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	run, err := decodeRun(in.GetJobId(), in.GetRun())
	if err != nil {
		return nil, err
	}
	ending := store.Close
	switch {
	case in.GetDiscard():
		ending = store.Discard
	case in.GetCutAtGap():
		ending = store.CloseAtGap
	}
	totals, err := r.store.EndRun(ctx, tenant, run, ending)
	if err != nil {
		return nil, err
	}
	return &mediastorev1.EndFlowsResponse{Bytes: totals.Bytes, Grains: totals.Grains}, nil
}

// Sizes of a page of the index.
const (
	indexPage    = 100
	maxIndexPage = 1000
)

// ReadIndex implements mediastorev1.Segments.
func (r *rpc) ReadIndex(ctx context.Context, in *mediastorev1.ReadIndexRequest) (*mediastorev1.ReadIndexResponse, error) {
	_, tenant, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	query := store.SegmentQuery{Range: mediatime.Eternity, WithIndex: true}
	if query.Flow, err = serve.ParseID("flow_id", in.GetFlowId()); err != nil {
		return nil, err
	}
	if text := in.GetTimerange(); text != "" {
		if query.Range, err = decodeRange(text); err != nil {
			return nil, err
		}
	}
	limit, err := pageSize(in.GetPageSize(), indexPage, maxIndexPage)
	if err != nil {
		return nil, err
	}
	if query.After, err = decodeTimeToken(in.GetPageToken()); err != nil {
		return nil, err
	}
	flow, err := r.store.Flow(ctx, tenant, query.Flow)
	if err != nil {
		return nil, err
	}
	query.Limit = limit + 1
	segments, err := r.store.Segments(ctx, tenant, query)
	if err != nil {
		return nil, err
	}
	out := &mediastorev1.ReadIndexResponse{Flow: flow.Proto()}
	if len(segments) > limit {
		segments = segments[:limit]
		out.NextPageToken = encodeTimeToken(segments[limit-1].Range.Start)
	}
	out.Segments, err = r.encodeSegments(segments, !in.GetWithoutUrls())
	return out, err
}

func (r *rpc) encodeSegments(segments []store.IndexedSegment, withURLs bool) ([]*mediastorev1.IndexedSegment, error) {
	out := make([]*mediastorev1.IndexedSegment, len(segments))
	for i := range segments {
		s := &segments[i]
		out[i] = &mediastorev1.IndexedSegment{
			ObjectId: s.ObjectID, Timerange: s.Range.String(), ObjectTimerange: s.Object.Range.String(),
			TsOffsetNs: int64(s.Offset), Size: s.Object.Size, Index: s.Object.Index,
		}
		if !withURLs {
			continue
		}
		var err error
		if out[i].Url, err = r.bucket.PresignGet(s.Key, r.config.DownloadTTL, objstore.Internal); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func decodeRun(job string, number int32) (store.Run, error) {
	if job == "" {
		return store.Run{}, fault.New(fault.InvalidArgument, "job_id is empty, want the id of the job")
	}
	return store.Run{Job: job, Number: number}, nil
}

func decodeAll[In, Out any](in []In, decode func(In) (Out, error)) ([]Out, error) {
	out := make([]Out, len(in))
	for i := range in {
		var err error
		if out[i], err = decode(in[i]); err != nil {
			return nil, fault.Wrap(codeOf(err), err)
		}
	}
	return out, nil
}

// codeOf keeps the code of a fault; what a converter refuses is the caller's.
func codeOf(err error) fault.Code {
	if e := fault.Of(err); e.Code != fault.Internal {
		return e.Code
	}
	return fault.InvalidArgument
}
