package mediastore

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/serve"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

var _ mediastorev1.Flows = (*rpc)(nil)

// Sizes of pages.
const (
	listPage      = 100
	maxListPage   = 1000
	grainsPage    = 1000
	maxGrainsPage = 10_000
)

// GetFlow implements mediastorev1.Flows.
func (r *rpc) GetFlow(ctx context.Context, in *mediastorev1.GetFlowRequest) (*mediastorev1.GetFlowResponse, error) {
	_, tenant, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	id, err := serve.ParseID("id", in.GetId())
	if err != nil {
		return nil, err
	}
	summary, err := r.store.Summarise(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	return &mediastorev1.GetFlowResponse{
		Flow: summary.Flow.Proto(), Members: encodeFlows(summary.Members),
		Segments: summary.Totals.Segments, Objects: summary.Objects, Bytes: summary.Totals.Bytes, Grains: summary.Totals.Grains,
	}, nil
}

// ListFlows implements mediastorev1.Flows.
func (r *rpc) ListFlows(ctx context.Context, in *mediastorev1.ListFlowsRequest) (*mediastorev1.ListFlowsResponse, error) {
	_, tenant, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	query := store.FlowQuery{Format: media.Format(in.GetFormat()), Text: in.GetText(), JobID: in.GetJobId()}
	if in.GetSourceId() != "" {
		if query.SourceID, err = serve.ParseID("source_id", in.GetSourceId()); err != nil {
			return nil, err
		}
	}
	if in.GetTopLevel() {
		query.CollectedBy = []uuid.UUID{}
	}
	if query.Page, err = decodePage(in.GetPageSize(), in.GetPageToken()); err != nil {
		return nil, err
	}
	page, err := r.store.ListFlows(ctx, tenant, query)
	if err != nil {
		return nil, err
	}
	return &mediastorev1.ListFlowsResponse{Flows: encodeFlows(page.Flows), NextPageToken: encodeCursor(page.Next)}, nil
}

// GetSource implements mediastorev1.Flows.
func (r *rpc) GetSource(ctx context.Context, in *mediastorev1.GetSourceRequest) (*mediastorev1.GetSourceResponse, error) {
	_, tenant, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	id, err := serve.ParseID("id", in.GetId())
	if err != nil {
		return nil, err
	}
	source, err := r.store.Source(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	flows, err := r.store.ListFlows(ctx, tenant, store.FlowQuery{SourceID: id, Page: store.Page{Limit: maxListPage}})
	if err != nil {
		return nil, err
	}
	return &mediastorev1.GetSourceResponse{Source: source.Proto(), Flows: encodeFlows(flows.Flows)}, nil
}

// ListSources implements mediastorev1.Flows.
func (r *rpc) ListSources(ctx context.Context, in *mediastorev1.ListSourcesRequest) (*mediastorev1.ListSourcesResponse, error) {
	_, tenant, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	query := store.SourceQuery{Format: media.Format(in.GetFormat()), Text: in.GetText()}
	if query.Page, err = decodePage(in.GetPageSize(), in.GetPageToken()); err != nil {
		return nil, err
	}
	page, err := r.store.ListSources(ctx, tenant, query)
	if err != nil {
		return nil, err
	}
	out := &mediastorev1.ListSourcesResponse{NextPageToken: encodeCursor(page.Next)}
	for _, source := range page.Sources {
		out.Sources = append(out.Sources, source.Proto())
	}
	return out, nil
}

// ListGrains implements mediastorev1.Flows.
func (r *rpc) ListGrains(ctx context.Context, in *mediastorev1.ListGrainsRequest) (*mediastorev1.ListGrainsResponse, error) {
	_, tenant, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	flow, err := serve.ParseID("flow_id", in.GetFlowId())
	if err != nil {
		return nil, err
	}
	within := mediatime.Eternity
	if text := in.GetTimerange(); text != "" {
		if within, err = decodeRange(text); err != nil {
			return nil, err
		}
	}
	limit, err := pageSize(in.GetPageSize(), grainsPage, maxGrainsPage)
	if err != nil {
		return nil, err
	}
	after, err := decodeTimeToken(in.GetPageToken())
	if err != nil {
		return nil, err
	}
	if after != nil {
		within = within.Intersect(mediatime.From(*after + 1))
	}
	if _, err := r.store.Flow(ctx, tenant, flow); err != nil {
		return nil, err
	}
	grains, err := r.store.Grains(ctx, tenant, flow, within, limit+1)
	if err != nil {
		return nil, err
	}
	out := &mediastorev1.ListGrainsResponse{}
	if len(grains) > limit {
		grains = grains[:limit]
		out.NextPageToken = encodeTimeToken(grains[limit-1].Time)
	}
	for i := range grains {
		out.Grains = append(out.Grains, encodeGrain(&grains[i]))
	}
	return out, nil
}

func encodeGrain(g *store.PlacedGrain) *mediastorev1.GrainInfo {
	return &mediastorev1.GrainInfo{
		TimeNs: int64(g.Time), DurationNs: int64(g.Duration), Position: int32(g.Position), Size: g.Size,
		RandomAccess: g.Access.String(), Leading: g.Leading, Disposable: g.Disposable,
		ObjectId: g.Segment.ObjectID, Offset: g.Offset, Samples: int32(g.Samples),
	}
}

func encodeFlows(flows []*store.Flow) []*mediav1.Flow {
	out := make([]*mediav1.Flow, len(flows))
	for i, f := range flows {
		out[i] = f.Proto()
	}
	return out
}

func decodePage(size int32, token string) (store.Page, error) {
	limit, err := pageSize(size, listPage, maxListPage)
	if err != nil || token == "" {
		return store.Page{Limit: limit}, err
	}
	after, err := decodeToken(token, 2)
	return store.Page{Limit: limit, After: after}, err
}

func encodeCursor(c store.Cursor) string {
	if len(c) == 0 {
		return ""
	}
	return encodeToken(slices.Clone(c)...)
}
