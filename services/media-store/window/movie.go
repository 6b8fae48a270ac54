package window

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats/mp4/mux"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	choose "github.com/grainmesh/grainmesh/pkg/window"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// planMovie plans MP4 and MOV, whose edit lists hide what is carried beside what is
// wanted: they are always exact.
func (h *Handler) planMovie(ctx context.Context, p *planner, flows []*store.Flow, req *request) (*file, error) {
	for _, flow := range flows {
		if err := checkMovie(flow, req.format); err != nil {
			return nil, err
		}
	}
	tracks, err := planTracks(ctx, p, flows, req.within, prerollOf)
	if err != nil {
		return nil, err
	}
	f := &file{tracks: tracks, contentType: "video/mp4", extension: req.format}
	options := mux.Options{Kind: mux.MP4}
	if req.format == formatMOV {
		f.contentType, options.Kind = "video/quicktime", mux.QuickTime
	}
	begin := mediatime.Max
	for _, t := range tracks {
		f.timerange = f.timerange.Union(t.present)
		begin = min(begin, t.flow.Timerange.Start)
	}
	// What begins later than was asked for begins later in the file too.
	begin = max(begin, req.within.Start)
	parts := make([]*mux.Track, len(tracks))
	for i, t := range tracks {
		if parts[i], err = movieTrack(t, begin, options.Kind); err != nil {
			return nil, movieFault(t.flow, err)
		}
	}
	options.Timecode = timecodeAt(tracks)
	layout, err := mux.New(parts, options)
	if err != nil {
		return nil, movieFault(flows[0], err)
	}
	f.size = layout.Size
	f.write = func(ctx context.Context, w io.Writer) error { return h.writeMovie(ctx, w, tracks, parts, layout) }
	return f, nil
}

// checkMovie refuses essence that has no place in the format.
func checkMovie(flow *store.Flow, format string) error {
	switch {
	case flow.Codec == media.CodecH264, flow.Codec == media.CodecAAC:
		return nil
	case isPCM(flow):
		return nil
	default:
		return fault.Newf(fault.NotRepresented, "flow %s is %s, which cannot be written to %s; take format=gsf", flow.ID, flow.Codec, format)
	}
}

// prerollOf is how many frames a decoder needs to settle (media rule 15).
func prerollOf(flow *store.Flow) int {
	switch {
	case flow.Codec != media.CodecAAC:
		return choose.PrerollPCM
	case flow.Audio != nil && flow.Audio.CodedFrameSize > aacFrame:
		return choose.PrerollHEAAC
	default:
		return choose.PrerollAAC
	}
}

// aacFrame is the length of a frame of plain AAC; with spectral band replication it
// is twice that.
const aacFrame = 1024

// movieTrack lays out one track of a file that starts at an instant.
func movieTrack(t *track, from mediatime.Time, kind mux.Kind) (*mux.Track, error) {
	index := indexOf(t.pieces)
	chosen := choose.Cut{Selection: choose.Selection{Wanted: len(index), Present: t.present, Carried: t.carried}}
	chosen.Grains = make([]int, len(index))
	for i := range index {
		chosen.Grains[i] = i
	}
	switch {
	case isPCM(t.flow):
		if err := errors.Join(interleaved(t), continuous(t)); err != nil {
			return nil, err
		}
		chosen.Skip, chosen.Samples = t.pieces[0].from, t.samples
		return mux.PCMTrack(&t.flow.Flow, index, chosen, from, kind)
	case t.flow.Audio != nil:
		if err := consecutive(t); err != nil {
			return nil, err
		}
		chosen.Skip, chosen.Samples, chosen.Wanted = t.skip, t.samples, t.wanted
		return mux.AACTrack(&t.flow.Flow, index, chosen, from)
	default:
		return mux.VideoTrack(&t.flow.Flow, index, chosen.Selection, from)
	}
}

// consecutive refuses coded audio whose frames overlap, such as edits have; holes are
// held by longer frames.
func consecutive(t *track) error {
	for i := 1; i < len(t.pieces); i++ {
		before, after := &t.pieces[i-1], &t.pieces[i]
		if before.End()-after.PTS > before.Duration/2 {
			return fault.Newf(fault.NotRepresented, "flow %s goes back from %s to %s; take the parts on each side, or format=gsf",
				t.flow.ID, before.End(), after.PTS)
		}
	}
	return nil
}

// movieFault says in our words what the muxer cannot write.
func movieFault(flow *store.Flow, err error) error {
	if errors.Is(err, mux.ErrNoConfig) || errors.Is(err, mux.ErrTooLarge) || errors.Is(err, mux.ErrSize) {
		return fault.Newf(fault.NotRepresented, "flow %s cannot be written as a movie: %w; take format=gsf", flow.ID, err)
	}
	return fmt.Errorf("lay out flow %s: %w", flow.ID, err)
}

// timecodeAt returns the timecode of the first picture that is shown, if the Flow's
// source had one.
func timecodeAt(tracks []*track) *mediatime.Timecode {
	for _, t := range tracks {
		if t.flow.Video == nil || t.flow.StartTimecode == "" {
			continue
		}
		code, err := mediatime.ParseTimecode(t.flow.StartTimecode, t.flow.GrainRate)
		if err != nil {
			return nil
		}
		code.Frames += t.flow.GrainRate.Index(t.present.Start - t.flow.Timerange.Start)
		return &code
	}
	return nil
}

// writeMovie streams the samples in the order of the layout.
func (h *Handler) writeMovie(ctx context.Context, w io.Writer, tracks []*track, parts []*mux.Track, layout *mux.Layout) error {
	all := h.openGrains(ctx, tracks)
	defer all.close()
	var (
		writer *mux.Writer
		grain  gsf.Grain
		sample []byte
	)
	for _, ref := range layout.Order {
		_, err := all.next(ref.Track, &grain)
		if err != nil {
			return err
		}
		if sample, err = parts[ref.Track].Append(sample[:0], ref.Sample, grain.Data, unitOffsets(&grain)); err != nil {
			return err
		}
		if writer == nil { // not before the first bytes are there
			if writer, err = mux.NewWriter(w, layout); err != nil {
				return err
			}
		}
		if err := writer.Sample(sample); err != nil {
			return err
		}
	}
	return writer.Close()
}

func unitOffsets(g *gsf.Grain) []uint32 {
	if g.Kind != gsf.KindCodedVideo {
		return nil
	}
	return g.CodedVideo.UnitOffsets
}
