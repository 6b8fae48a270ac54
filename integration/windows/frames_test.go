package windows_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// group is how many pictures a group has in the films of this file.
const group = 12

// coding is one way in which pictures may depend on one another.
type coding struct {
	name   string
	params string // of x264
	rate   mediatime.Rate
}

func codings() []coding {
	return []coding{
		{"closed GOP", "bframes=2:b-adapt=0:b-pyramid=none", mediatime.NewRate(24, 1)},
		{"open GOP", "bframes=2:b-adapt=0:b-pyramid=none:open-gop=1", mediatime.NewRate(30000, 1001)},
		{"B-pyramid", "bframes=5:b-adapt=0:b-pyramid=normal:ref=4:open-gop=1", mediatime.NewRate(25, 1)},
		{"intra refresh", "bframes=0:intra-refresh=1", mediatime.NewRate(24000, 1001)},
	}
}

// span is a range of frames, [from, to).
type span struct{ from, to int }

// wanted lists the windows that are taken of a film of so many frames: every start
// and every end within the third group; from every start to beyond the point from
// which decoders trust an open group; and to every end from a few starts far before.
// With all, it is every window from or to that group.
func wanted(total int, all bool) []span {
	const first, last = 2 * group, 3 * group
	var spans []span
	for from := range last {
		for to := from + 1; to <= total; to++ {
			starts, ends := from >= first, to > first && to <= last
			near := starts && ends
			far := starts && (to-from == 33 || to-from == 40 || to == total)
			late := ends && (from == 0 || from == group/2 || from == first-1)
			if near || far || late || all && (starts || ends) {
				spans = append(spans, span{from, to})
			}
		}
	}
	return spans
}

// enumerate makes everyStartAndEnd take all windows rather than those that differ in
// kind: some 6,000, in a few minutes. `make windows` sets it.
const enumerate = "GRAINMESH_WINDOWS_ALL"

// everyStartAndEnd is media rule 14: whatever the coding, a window has the frames of
// its range, no more and no fewer, and they are those of the source.
func everyStartAndEnd(t *testing.T, b *bundle) {
	for _, c := range codings() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			const total = 8 * group
			film := b.ingest(t, mediatest.Make(t, "film.mp4", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=96x64:rate=%s", c.rate),
				"-frames:v", fmt.Sprint(total), "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p",
				"-x264-params", fmt.Sprintf("scenecut=0:keyint=%d:min-keyint=%d:%s", group, group, c.params)))
			source := mediatest.FrameHashes(t, film.path, "v")
			require.Len(t, source, total)
			spans := wanted(total, os.Getenv(enumerate) != "")
			film.compare(t, film.flow(t, media.FormatVideo).GetId(), c.rate, source, spans)
			t.Logf("%d windows", len(spans))
		})
	}
}

// atOnce is how many windows are decoded by one process.
const atOnce = 64

// compare takes windows of a Flow and holds their frames against those of the source.
func (b *bundle) compare(t *testing.T, flow string, rate mediatime.Rate, source []string, spans []span) {
	t.Helper()
	dir := t.TempDir()
	for len(spans) > 0 {
		some := spans[:min(atOnce, len(spans))]
		spans = spans[len(some):]
		files := make([]string, len(some))
		for n, s := range some {
			within := frames(rate, s.from, s.to)
			got := b.window(t, flow, within, "")
			require.Equal(t, within.String(), got.Header.Get("X-Media-Timerange"))
			files[n] = save(t, dir, fmt.Sprintf("%d.mp4", n), got)
		}
		for n, hashes := range mediatest.EachFrameHashes(t, "v", files...) {
			require.Equal(t, source[some[n].from:some[n].to], hashes, "frames %d to %d", some[n].from, some[n].to)
		}
	}
}
