package gsf

import "github.com/grainmesh/grainmesh/pkg/gsf"

// sight bounds how many grains are looked at beyond a border, for a better place or
// for the times of tracks.
const sight = 4096

// border chooses where a chunk ends, among the grains ahead from a position on: at
// a key frame of the first coded video track, if one comes before limit, so that
// its objects start there too; else where all pictures are in order. It brings the
// next grain of each track into sight.
func (p *planner) border(from int, limit int64) (int, error) {
	border, err := p.keyBorder(from, limit)
	if err != nil {
		return 0, err
	}
	return border, p.see(border, func(*track) int { return 1 })
}

func (p *planner) keyBorder(from int, limit int64) (int, error) {
	anchor := p.anchor()
	if anchor == nil {
		return from, nil
	}
	ordered := -1
	for i := from; i < from+sight; i++ {
		there, err := p.inSight(i)
		if err != nil || (!there && ordered < 0) {
			return i, err
		}
		if !there || p.ahead[i].offset > limit {
			break
		}
		key := p.ahead[i].track == anchor && p.ahead[i].key
		if !key && ordered >= 0 {
			continue
		}
		if err := p.see(i, pictures); err != nil {
			return 0, err
		}
		switch {
		case !p.ordered(i):
		case key:
			return i, nil
		case ordered < 0:
			ordered = i
		}
	}
	return max(ordered, from), nil
}

// inSight looks one grain further if need be, and says whether grain i is there.
func (p *planner) inSight(i int) (bool, error) {
	if i < len(p.ahead) {
		return true, nil
	}
	err := p.look()
	return i < len(p.ahead), err
}

// anchor returns the first track whose decoding starts at key frames, if any.
func (p *planner) anchor() *track {
	for i := range p.Tracks {
		if t := &p.Tracks[i]; p.wants(t) && pictures(t) > 0 {
			return t
		}
	}
	return nil
}

// pictures is how many grains of a track tell whether a place divides it: none
// where decode order is display order.
func pictures(t *track) int {
	if t.Kind == gsf.KindCodedVideo && !t.Intra {
		return farthest
	}
	return 0
}

// see scans until there are as many grains of each wanted track ahead, from a
// position on, as are needed. It gives up after sight grains and at the end.
func (p *planner) see(from int, needed func(*track) int) error {
	missing, left := map[*track]int{}, 0
	for i := range p.Tracks {
		if t := &p.Tracks[i]; p.wants(t) && needed(t) > 0 {
			missing[t] = needed(t)
			left++
		}
	}
	for i := from; left > 0 && i < from+sight; i++ {
		if i >= len(p.ahead) {
			if err := p.look(); err != nil {
				return err
			}
		}
		if i >= len(p.ahead) {
			return nil
		}
		t := p.ahead[i].track
		if missing[t] == 1 {
			left--
		}
		missing[t]--
	}
	return nil
}

// ordered says whether no picture from a position on is displayed before its place,
// as far as is in sight.
func (p *planner) ordered(from int) bool {
	place := map[*track]int{}
	for i := from; i < min(len(p.ahead), from+sight); i++ {
		x := &p.ahead[i]
		if p.wants(x.track) && pictures(x.track) > place[x.track] {
			if place[x.track]+x.moved < 0 {
				return false
			}
			place[x.track]++
		}
	}
	return true
}
