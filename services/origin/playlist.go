package origin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/origin/fmp4"
	"github.com/grainmesh/grainmesh/services/origin/plan"
)

// Versions of the protocol that playlists need (RFC 8216bis, 8): 6 for EXT-X-MAP,
// 8 for EXT-X-GAP. Stating 7 is usual where segments are fragmented MP4.
const (
	version    = 7
	versionGap = 8
)

// mainPlaylist writes the multivariant playlist: one variant with the video for each
// coding of the audio, all renditions of that in one group. Without video the first
// of each group is the variant itself.
func mainPlaylist(v *view) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:%d\n", version)
	lead, groups := &v.tracks[0], audioGroups(v)
	for _, g := range groups {
		for i, t := range g.tracks {
			uri := fmt.Sprintf(",URI=%q", mediaURI(t))
			if lead.audio && i == 0 {
				uri = ""
			}
			fmt.Fprintf(&b, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=%q,NAME=%q,DEFAULT=%s,AUTOSELECT=YES,CHANNELS=\"%d\"%s\n",
				g.id, t.name(g.positions[i]), yesNo(i == 0), t.flow.Audio.Channels, uri)
		}
	}
	if len(groups) == 0 {
		fmt.Fprintf(&b, "#EXT-X-STREAM-INF:%s,CODECS=%q%s\n%s\n", rateOf(lead), lead.codec(), pictureAttributes(lead), mediaURI(lead))
	}
	for _, g := range groups {
		rate, codecs, picture, uri := g.rate, g.tracks[0].codec(), "", mediaURI(g.tracks[0])
		if !lead.audio {
			rate, codecs = rate.plus(rateOf(lead)), lead.codec()+","+codecs
			picture, uri = pictureAttributes(lead), mediaURI(lead)
		}
		fmt.Fprintf(&b, "#EXT-X-STREAM-INF:%s,CODECS=%q%s,AUDIO=%q\n%s\n", rate, codecs, picture, g.id, uri)
	}
	return b.String()
}

// audioGroup is the renditions of audio that one variant can choose from.
type audioGroup struct {
	id        string
	tracks    []*trackView
	positions []int // among all audio, from 1
	rate      bitRate
}

// audioGroups collects the audio by its coding, the first found first.
func audioGroups(v *view) []*audioGroup {
	var groups []*audioGroup
	position := 0
	for i := range v.tracks {
		t := &v.tracks[i]
		if !t.audio {
			continue
		}
		position++
		at := slices.IndexFunc(groups, func(g *audioGroup) bool { return g.tracks[0].codec() == t.codec() })
		if at < 0 {
			at = len(groups)
			groups = append(groups, &audioGroup{id: fmt.Sprintf("audio%d", at+1)})
		}
		g, rate := groups[at], rateOf(t)
		g.tracks, g.positions = append(g.tracks, t), append(g.positions, position)
		g.rate.peak, g.rate.average = max(g.rate.peak, rate.peak), max(g.rate.average, rate.average)
	}
	return groups
}

func yesNo(b bool) string {
	if b {
		return "YES"
	}
	return "NO"
}

func mediaURI(t *trackView) string { return t.flow.ID.String() + "/media.m3u8" }

func pictureAttributes(t *trackView) string {
	width, height := t.display()
	out := fmt.Sprintf(",RESOLUTION=%dx%d", width, height)
	if rate := t.flow.GrainRate; !rate.IsZero() {
		out += fmt.Sprintf(",FRAME-RATE=%.3f", rate.Float())
	}
	return out
}

// bitRate is in bit/s.
type bitRate struct{ peak, average int64 }

func (r bitRate) plus(o bitRate) bitRate { return bitRate{r.peak + o.peak, r.average + o.average} }

// String writes the attributes of a variant.
func (r bitRate) String() string {
	return fmt.Sprintf("BANDWIDTH=%d,AVERAGE-BANDWIDTH=%d", max(r.peak, 1), max(r.average, 1))
}

// rateOf measures a track by its index. FLAC is counted as the raw audio that it is
// made from: it is made when it is asked for, and never takes much more.
func rateOf(t *trackView) (r bitRate) {
	var bytes, ticks int64
	for i := range t.spans {
		s := &t.spans[i]
		length := s.End - s.Start
		if s.Empty || length <= 0 {
			continue
		}
		size := fmp4.Size(0, s.Bytes)
		// Short segments, such as the last, say little of what a line must carry.
		if length >= t.timescale || len(t.spans) == 1 {
			r.peak = max(r.peak, size*8*t.timescale/length)
		}
		bytes, ticks = bytes+size, ticks+length
	}
	if ticks > 0 {
		r.average = bytes * 8 * t.timescale / ticks
	}
	r.peak = max(r.peak, r.average)
	return r
}

// mediaPlaylist writes the playlist of one track.
func mediaPlaylist(v *view, t *trackView, limits plan.Limits) string {
	var b strings.Builder
	gaps := slices.ContainsFunc(t.spans, func(s plan.Span) bool { return s.Empty })
	number := version
	if gaps {
		number = versionGap
	}
	kind := "EVENT"
	if v.complete {
		kind = "VOD"
	}
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:%d\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:%s\n",
		number, targetDuration(t, limits), kind)
	if v.complete && independent(v, t) {
		b.WriteString("#EXT-X-INDEPENDENT-SEGMENTS\n")
	}
	breaks := discontinuities(v)
	mapped := -1
	for i := range t.spans {
		s := &t.spans[i]
		if breaks[i] {
			b.WriteString("#EXT-X-DISCONTINUITY\n")
		}
		if !s.Empty && mapped != int(s.Config) {
			mapped = int(s.Config)
			fmt.Fprintf(&b, "#EXT-X-MAP:URI=\"init-%d.mp4\"\n", mapped)
		}
		if s.Empty {
			b.WriteString("#EXT-X-GAP\n")
		}
		fmt.Fprintf(&b, "#EXTINF:%s,\n%d.m4s\n", seconds(micros(s.End, t.timescale)-micros(s.Start, t.timescale)), i)
	}
	if v.complete {
		b.WriteString("#EXT-X-ENDLIST\n")
	}
	return b.String()
}

// targetDuration is the same for a Flow while it grows and after.
func targetDuration(t *trackView, limits plan.Limits) int64 {
	longest := int64(limits.Max)
	for i := range t.spans {
		// A picture of a variable rate can last for ever.
		longest = max(longest, int64(mediatime.Rescale(t.spans[i].End-t.spans[i].Start, t.timescale)))
	}
	return (longest + int64(mediatime.Second) - 1) / int64(mediatime.Second)
}

// independent says that every segment decodes by itself.
func independent(v *view, t *trackView) bool {
	return t.audio || !slices.ContainsFunc(v.cells, func(c plan.Cell) bool { return c.Dependent })
}

// discontinuities says before which cells some track changes its sample entry: all
// renditions must be told at the same place.
func discontinuities(v *view) []bool {
	out := make([]bool, len(v.cells))
	for i := range v.tracks {
		last := -1
		for n := range v.tracks[i].spans {
			s := &v.tracks[i].spans[n]
			if s.Empty {
				continue
			}
			if last >= 0 && last != int(s.Config) {
				out[n] = true
			}
			last = int(s.Config)
		}
	}
	return out
}

// micros returns ticks in microseconds, rounded. Lengths are differences of these,
// so that rounding does not add up.
func micros(ticks, timescale int64) int64 {
	const micro = 1_000_000
	whole, rest := ticks/timescale, ticks%timescale
	return whole*micro + (rest*micro+timescale/2)/timescale
}

func seconds(micros int64) string { return fmt.Sprintf("%d.%06d", micros/1_000_000, micros%1_000_000) }
