package origin

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/origin/plan"
)

// presentation is what is known of a Flow that is played. It grows with the Flow,
// under a lock; what it was at some time is a view, which never changes.
type presentation struct {
	id     uuid.UUID
	index  Index
	limits plan.Limits
	lock   chan struct{} // holds a token while nobody refreshes
	view   atomic.Pointer[view]

	// Guarded by lock.
	tracks     []*track
	unplayable []string
	zero       mediatime.Time // time 0 of the media
	started    bool
	grid       []plan.Cell
}

// view is a presentation at some time.
type view struct {
	taken    time.Time
	state    string // of the Flows, by which a change is seen
	complete bool
	// cells are those that are listed; tracks of a complete one may end before.
	cells      []plan.Cell
	tracks     []trackView
	unplayable []string
	zero       mediatime.Time
}

// trackView is a track of a view.
type trackView struct {
	*rendition
	clock plan.Clock
	skip  int64 // ticks before time 0
	delay int64 // ticks by which pictures are decoded before their turn to be shown
	// first is the time of the first picture that is decoded, which may be before
	// that of the first that is shown.
	first mediatime.Time
	spans []plan.Span
}

func newPresentation(id uuid.UUID, index Index, limits plan.Limits) *presentation {
	p := &presentation{id: id, index: index, limits: limits, lock: make(chan struct{}, 1)}
	p.lock <- struct{}{}
	return p
}

// at returns what is known, not older than since. Deleted Flows are Gone. Where the
// media store cannot be asked and stale is allowed, what was known has to do.
func (p *presentation) at(ctx context.Context, since time.Time, stale bool, now func() time.Time) (*view, error) {
	if v := p.view.Load(); v != nil && !v.taken.Before(since) {
		return v, nil
	}
	select {
	case <-p.lock:
		defer func() { p.lock <- struct{}{} }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if v := p.view.Load(); v != nil && !v.taken.Before(since) {
		return v, nil
	}
	v, err := p.refresh(ctx, now())
	if old := p.view.Load(); err != nil && stale && old != nil && fault.Of(err).Blame() == fault.Platform {
		return old, nil
	}
	if err != nil {
		return nil, err
	}
	p.view.Store(v)
	return v, nil
}

// refresh asks the media store what there is now.
func (p *presentation) refresh(ctx context.Context, now time.Time) (*view, error) {
	flows, err := p.flows(ctx)
	if err != nil {
		return nil, err
	}
	growing := false
	for _, f := range flows {
		growing = growing || f.Status == media.StatusIngesting || f.Status == media.StatusAwaiting
	}
	if old := p.view.Load(); old != nil && old.complete && old.state == stateOf(flows) {
		again := *old
		again.taken = now
		return &again, nil
	} else if old != nil && old.complete {
		// A closed Flow was changed: what was planned does not hold any more.
		p.tracks, p.started, p.grid = nil, false, nil
	}
	p.adopt(flows)
	if err := p.extend(ctx, !growing); err != nil {
		return nil, err
	}
	return p.snapshot(now, stateOf(flows), !growing), nil
}

func stateOf(flows []*media.Flow) string {
	var b strings.Builder
	for _, f := range flows {
		fmt.Fprintf(&b, "%s %s %s %d\n", f.ID, f.Status, f.Timerange, f.Updated.UnixNano())
	}
	return b.String()
}

// flows returns the Flow, or those that it collects.
func (p *presentation) flows(ctx context.Context) ([]*media.Flow, error) {
	flow, err := readFlow(ctx, p.index, p.id)
	if err != nil {
		return nil, err
	}
	if flow.Format != media.FormatMulti {
		return []*media.Flow{flow}, nil
	}
	flows := make([]*media.Flow, 0, len(flow.Collection))
	for _, member := range flow.Collection {
		f, err := readFlow(ctx, p.index, member.FlowID)
		switch {
		case fault.Is(err, fault.NotFound), fault.Is(err, fault.Gone):
			continue
		case err != nil:
			return nil, err
		}
		flows = append(flows, f)
	}
	return flows, nil
}

// adopt makes the tracks when Flows are seen for the first time, and tells those
// that there are what their Flows are now.
func (p *presentation) adopt(flows []*media.Flow) {
	if len(p.tracks) > 0 {
		for _, t := range p.tracks {
			for _, f := range flows {
				if f.ID == t.flow.ID {
					t.now = f
				}
			}
		}
		return
	}
	p.unplayable = nil
	hasVideo := false
	for _, f := range flows {
		r, err := newRendition(f)
		if err == nil && !r.audio && hasVideo {
			err = fmt.Errorf("only the first video is played; ask for this Flow by itself")
		}
		if err != nil {
			p.unplayable = append(p.unplayable, fmt.Sprintf("flow %s (%s): %v", f.ID, f.Codec, err))
			continue
		}
		t := &track{rendition: r, now: f, index: p.index}
		if r.audio {
			p.tracks = append(p.tracks, t)
		} else {
			hasVideo = true
			p.tracks = append([]*track{t}, p.tracks...)
		}
	}
}

// extend reads what has come to the store since the last time and plans it.
func (p *presentation) extend(ctx context.Context, complete bool) error {
	if len(p.tracks) == 0 {
		return nil
	}
	lead := p.tracks[0]
	if !p.started {
		zero, ok, err := lead.begin(ctx, complete)
		if err != nil || !ok {
			return err
		}
		p.zero, p.started = zero, true
	}
	if err := p.extendGrid(ctx, complete); err != nil {
		return err
	}
	for _, t := range p.tracks {
		if !t.audio {
			continue
		}
		if err := t.extendAudio(ctx, p.zero, p.grid, complete); err != nil {
			return err
		}
	}
	return nil
}

// extendGrid adds the cells that are settled.
func (p *presentation) extendGrid(ctx context.Context, complete bool) error {
	lead := p.tracks[0]
	if lead.audio {
		to := lead.now.Timerange.End
		if !complete {
			to -= p.limits.Min - 1
		}
		if complete && p.absorbs(to) {
			return nil
		}
		p.grid = plan.Uniform(p.grid, p.zero, to, p.limits)
		return nil
	}
	if err := lead.extendVideo(ctx, p.zero, p.limits, complete); err != nil {
		return err
	}
	p.grid = lead.video.Grid()
	if !complete {
		return nil
	}
	for _, t := range p.tracks[1:] {
		if to := t.now.Timerange.End; !p.absorbs(to) {
			p.grid = plan.Uniform(p.grid, p.zero, to, p.limits)
		}
	}
	return nil
}

// absorbs says whether the last cell takes what there is up to a time, so that no
// tiny segment has to.
func (p *presentation) absorbs(to mediatime.Time) bool {
	n := len(p.grid)
	if n == 0 || p.grid[n-1].Gap && !p.tracks[0].audio {
		return false
	}
	for _, t := range p.tracks {
		if t.audio && t.sound != nil && len(t.sound.Spans()) >= n {
			return to <= p.grid[n-1].End // its last segment is settled already
		}
	}
	return to-p.grid[n-1].End < p.limits.Min && to-p.grid[n-1].Start <= p.limits.Max
}

// snapshot returns what is known now.
func (p *presentation) snapshot(now time.Time, state string, complete bool) *view {
	v := &view{taken: now, state: state, complete: complete, unplayable: p.unplayable, zero: p.zero, cells: p.grid}
	if !p.started {
		return v
	}
	ready := len(p.grid)
	for _, t := range p.tracks {
		ready = min(ready, len(t.spans()))
	}
	if !complete {
		v.cells = p.grid[:ready]
	}
	for _, t := range p.tracks {
		spans := t.spans()
		v.tracks = append(v.tracks, trackView{
			rendition: t.rendition, clock: t.clock, skip: t.skip, delay: t.delay, first: t.first,
			spans: spans[:min(len(v.cells), len(spans))],
		})
	}
	return v
}
