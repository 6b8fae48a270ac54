package window

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// presentedTag tells readers of a GSF window what of it is wanted.
const presentedTag = "presented_timerange"

// gsfHeader describes the tracks, numbered from 1.
func gsfHeader(tracks []*track) (*gsf.Header, error) {
	h := &gsf.Header{ID: uuid.New(), Created: time.Now().UTC().Truncate(time.Second)}
	for i, t := range tracks {
		document, err := json.Marshal(flowDocument(t.flow))
		if err != nil {
			return nil, fmt.Errorf("describe flow %s: %w", t.flow.ID, err)
		}
		segment := gsf.Segment{
			LocalID: uint16(i + 1), ID: uuid.New(), Count: int64(len(t.pieces)),
			Flow: &gsf.FlowBlock{SourceID: t.flow.SourceID, FlowID: t.flow.ID, Format: string(t.flow.Format), Document: document},
		}
		if !t.exact {
			segment.Tags = append(segment.Tags, gsf.Tag{Key: presentedTag, Value: t.present.String()})
		}
		h.Segments = append(h.Segments, segment)
	}
	return h, nil
}

// flowDoc is the NMOS Flow in the header, as far as other readers have a use for it.
type flowDoc struct {
	ID       uuid.UUID    `json:"id"`
	SourceID uuid.UUID    `json:"source_id"`
	Format   media.Format `json:"format"`
	Codec    string       `json:"codec,omitempty"`
	Label    string       `json:"label"`
	Tags     media.Tags   `json:"tags,omitempty"`
}

func flowDocument(f *store.Flow) flowDoc {
	return flowDoc{f.ID, f.SourceID, f.Format, f.Codec, f.Label, f.Tags}
}

// gsfReads lists what a GSF window reads, the tracks interleaved by time.
func gsfReads(tracks []*track, maxBytes int64) []read {
	var all []read
	for i, t := range tracks {
		all = append(all, reads(t, i, maxBytes, block)...)
	}
	slices.SortStableFunc(all, func(a, b read) int { return cmp.Compare(a.pieces[0].Order, b.pieces[0].Order) })
	return all
}

// writeGSF writes the tracks as one file.
func (h *Handler) writeGSF(ctx context.Context, w io.Writer, tracks []*track) error {
	header, err := gsfHeader(tracks)
	if err != nil {
		return err
	}
	writer, err := gsf.NewWriter(w, header)
	if err != nil {
		return err
	}
	var grain gsf.Grain
	err = h.fetcher.each(ctx, gsfReads(tracks, h.config.ReadBytes), func(r *read, data []byte) error {
		for i := range r.pieces {
			p := &r.pieces[i]
			if err := decodeBlock(p, data, r.from, &grain); err != nil {
				return err
			}
			place(&grain, p, tracks[r.track].flow)
			grain.LocalID = uint16(r.track + 1)
			if _, err := writer.WriteGrain(&grain); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return writer.Close()
}
