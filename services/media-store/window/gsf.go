package window

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
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

// writeGSF writes the tracks as one file, interleaved by time.
func (h *Handler) writeGSF(ctx context.Context, w io.Writer, tracks []*track) error {
	header, err := gsfHeader(tracks)
	if err != nil {
		return err
	}
	writer, err := gsf.NewWriter(w, header)
	if err != nil {
		return err
	}
	all := h.openGrains(ctx, tracks)
	defer all.close()
	var grain gsf.Grain
	for {
		n := all.earliest()
		if n < 0 {
			return writer.Close()
		}
		p, err := all.next(n, &grain)
		if err != nil {
			return err
		}
		place(&grain, p, tracks[n].flow)
		grain.LocalID = uint16(n + 1)
		if _, err := writer.WriteGrain(&grain); err != nil {
			return err
		}
	}
}
