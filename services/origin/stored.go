package origin

import (
	"context"
	"fmt"
	"iter"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

// storedSegment is a segment of the store with its grains, all times on the time
// line of its Flow.
type storedSegment struct {
	Object  string
	Range   mediatime.Range
	Entries media.Index
	URL     string
}

// Sizes of a page of the index, in stored segments. Audio is read only as far as
// the video goes.
const (
	videoPage = 200
	audioPage = 20
)

// readFlow asks for a Flow alone.
func readFlow(ctx context.Context, index Index, id uuid.UUID) (*media.Flow, error) {
	response, err := index.ReadIndex(ctx, &mediastorev1.ReadIndexRequest{
		FlowId: id.String(), Timerange: "()", PageSize: 1, WithoutUrls: true,
	})
	if err != nil {
		return nil, err
	}
	flow, err := media.FlowFromProto(response.GetFlow())
	if err != nil {
		return nil, fault.Newf(fault.Internal, "decode flow %s: %w", id, err)
	}
	return flow, nil
}

// readSegments yields the stored segments of a Flow that overlap a range, in order,
// asking for a page of them at a time.
func readSegments(
	ctx context.Context, index Index, flow uuid.UUID, r mediatime.Range, page int, withURLs bool,
) iter.Seq2[*storedSegment, error] {
	return func(yield func(*storedSegment, error) bool) {
		request := &mediastorev1.ReadIndexRequest{
			FlowId: flow.String(), Timerange: r.String(), PageSize: int32(page), WithoutUrls: !withURLs,
		}
		for {
			response, err := index.ReadIndex(ctx, request)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, in := range response.GetSegments() {
				s, err := decodeStored(in)
				if err != nil {
					err = fault.Newf(fault.Internal, "index of flow %s: %w", flow, err)
				}
				if !yield(s, err) || err != nil {
					return
				}
			}
			if request.PageToken = response.GetNextPageToken(); request.PageToken == "" {
				return
			}
		}
	}
}

func decodeStored(in *mediastorev1.IndexedSegment) (*storedSegment, error) {
	r, err := mediatime.ParseRange(in.GetTimerange())
	if err != nil {
		return nil, err
	}
	entries, err := media.UnpackIndex(in.GetIndex())
	if err != nil {
		return nil, fmt.Errorf("object %s: %w", in.GetObjectId(), err)
	}
	if offset := mediatime.Time(in.GetTsOffsetNs()); offset != 0 {
		for i := range entries {
			entries[i].PTS += offset
			entries[i].Order += offset
		}
	}
	return &storedSegment{Object: in.GetObjectId(), Range: r, Entries: entries, URL: in.GetUrl()}, nil
}
