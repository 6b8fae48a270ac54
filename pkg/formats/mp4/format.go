package mp4

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/isobmff"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Format is the format of MP4 and QuickTime files. Its zero value is ready.
type Format struct{}

var _ formats.Format = Format{}

// Name implements [formats.Format].
func (Format) Name() string { return "mp4" }

// MIMETypes implements [formats.Format].
func (Format) MIMETypes() []string {
	return []string{"video/mp4", "video/quicktime", "audio/mp4", "audio/x-m4a", "video/x-m4v", "application/mp4"}
}

// Extensions implements [formats.Format].
func (Format) Extensions() []string { return []string{".mp4", ".mov", ".m4a", ".m4v", ".qt"} }

// Sniff implements [formats.Format]. Old QuickTime files have no ftyp.
func (Format) Sniff(head []byte) bool {
	if len(head) < 8 {
		return false
	}
	first := string(head[4:8])
	return slices.Contains([]string{"ftyp", "styp", "moov", "moof", "mdat", "wide", "pnot"}, first)
}

// kinds of tracks that are taken.
const (
	kindH264 = "h264"
	kindAAC  = "aac"
	kindPCM  = "pcm"
)

// trackState is what Probe hands to Plan about one track, and Plan, in part, to
// Read.
type trackState struct {
	Number int
	Kind   string
	Clock  clock
	// Begin and End are the presented part, in ticks of the media; for PCM in
	// samples.
	Begin, End int64
	// AllListed says that the container calls every sample a sync sample.
	AllListed bool
}

// presented is the part of the time line that the edit list shows.
func (s *trackState) presented() mediatime.Range {
	return mediatime.NewRange(s.edge(s.Begin), s.edge(s.End))
}

// edge returns the time of a tick that need not be that of a grain.
func (s *trackState) edge(ticks int64) mediatime.Time {
	c := s.Clock
	if c.Rate.IsZero() {
		return c.at(ticks, 0)
	}
	n := mulDivRound(ticks-c.First, c.Rate.Num, c.Timescale*c.Rate.Den)
	if abs(mulDivRound(n, c.Timescale*c.Rate.Den, c.Rate.Num)-(ticks-c.First)) <= 1 {
		return c.at(0, n)
	}
	return c.Gap + mediatime.Rescale(ticks-c.MediaTime, c.Timescale)
}

// fileState is the state of an Analysis.
type fileState struct{ Tracks []trackState }

func (s *fileState) track(number int) *trackState {
	for i := range s.Tracks {
		if s.Tracks[i].Number == number {
			return &s.Tracks[i]
		}
	}
	return nil
}

func parseState(b []byte) (*fileState, error) {
	var s fileState
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("reading the analysis' state: %w", err)
	}
	return &s, nil
}

// Probe implements [formats.Format].
func (f Format) Probe(ctx context.Context, in formats.Input) (*formats.Analysis, error) {
	movie, err := isobmff.ReadMovie(in)
	if err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	p := newProbe(in, movie)
	if err := p.survey(ctx); err != nil {
		return nil, err
	}
	a := &formats.Analysis{
		Format: f.Name(), MIMEType: mimeTypeOf(movie), Size: in.Size(), CreationTime: movie.Created * int64(mediatime.Second),
	}
	var state fileState
	for _, t := range p.tracks {
		track, err := p.finish(t)
		if err != nil {
			return nil, err
		}
		a.Tracks = append(a.Tracks, track)
		if track.Skipped == "" {
			state.Tracks = append(state.Tracks, t.state)
		}
	}
	a.Warnings = p.warnings
	if len(state.Tracks) == 0 {
		return nil, fault.Newf(fault.NoEssence, "the file holds nothing that can be ingested; found %s", describeAll(a.Tracks))
	}
	if a.State, err = json.Marshal(state); err != nil {
		return nil, fmt.Errorf("writing the analysis' state: %w", err)
	}
	return a, nil
}

func mimeTypeOf(m *isobmff.Movie) string {
	if m.QuickTime() {
		return "video/quicktime"
	}
	return "video/mp4"
}

func describeAll(tracks []formats.Track) string {
	texts := make([]string, len(tracks))
	for i, t := range tracks {
		texts[i] = fmt.Sprintf("track %d: %s", t.Number, t.Skipped)
	}
	return strings.Join(texts, "; ")
}
