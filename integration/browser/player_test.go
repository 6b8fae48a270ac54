package browser_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

const (
	// frames of the counted film, at 25 a second
	countedFrames = 250
	// each frame shows its number in so many bits, as black and white blocks
	countedBits = 8
	blockPixels = 32
)

// counted makes a film whose every frame shows its own number, so that a test can
// read from the picture which one it is: H.264 with B-frames, AAC, start timecode.
func counted(t *testing.T) string {
	t.Helper()
	filters := []string{"drawbox=x=0:y=0:w=iw:h=64:color=black:t=fill"}
	for bit := range countedBits {
		filters = append(filters, fmt.Sprintf("drawbox=x=%d:y=0:w=%d:h=64:color=white:t=fill:enable='mod(floor(n/%d),2)'",
			bit*blockPixels, blockPixels, 1<<bit))
	}
	return mediatest.Make(t, "counted.mp4", "-f", "lavfi", "-i", "testsrc2=size=320x192:rate=25:duration=10",
		"-f", "lavfi", "-i", "sine=frequency=330:duration=10:sample_rate=48000", "-vf", strings.Join(filters, ","),
		"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "50", "-bf", "3", "-c:a", "aac",
		"-timecode", "10:00:00:00", "-movflags", "+faststart")
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

func specOf(url string) *jobv1.IngestSpec { return &jobv1.IngestSpec{Url: url} }

// readNumber reads a frame's number from the picture that is on show.
var readNumber = fmt.Sprintf(`(() => {
	const video = document.querySelector('video');
	const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 192 });
	const ctx = canvas.getContext('2d');
	ctx.drawImage(video, 0, 0, 320, 192);
	let n = 0;
	for (let bit = 0; bit < %d; bit++)
		if (ctx.getImageData(bit * %d + %d, 32, 1, 1).data[1] > 128) n |= 1 << bit;
	return n;
})()`, countedBits, blockPixels, blockPixels/2)

const shownFrame = `Number(document.querySelector('[data-testid=timecode]').dataset.frame)`

// TestThePlayerIsExactToTheFrame plays a film from the store and goes to frames by
// timecode, by key and by mark; the picture itself must show the frame that the
// portal says.
func TestThePlayerIsExactToTheFrame(t *testing.T) {
	t.Parallel()
	mesh := harness.New(t, harness.Options{})
	user := mesh.User(t, "acme")
	url := mesh.Source.Set("/counted.mp4", harness.File(read(t, counted(t))))
	job := user.Ingest(t, specOf(url))

	v := visit(t, mesh)
	v.logIn("acme", "/flows/"+job.GetFlowId())
	v.until("document.querySelector('video')?.readyState >= 3", "the film does not load")
	v.sees("10:00:00:00")
	v.plays()

	for _, n := range []int{0, 1, 49, 50, 51, 123, countedFrames - 2, countedFrames - 1} {
		v.goesTo(fmt.Sprintf("10:00:%02d:%02d", n/25, n%25))
		v.shows(n)
	}
	v.goesTo("10:00:02:00")
	for n := 51; n < 54; n++ {
		v.do(chromedp.KeyEvent("\u0303")) // right arrow
		v.shows(n)
	}
	v.shoot("player")
	v.marks(user)
}

// plays lets the film run, and sees the position advance and the picture change.
func (v *visitor) plays() {
	v.t.Helper()
	before := eval[int](v, readNumber)
	v.do(chromedp.KeyEvent(" "))
	v.until(shownFrame+" > 20", "the position does not advance")
	v.do(chromedp.KeyEvent("k"))
	after := eval[int](v, readNumber)
	require.Greater(v.t, after, before, "the picture does not change")
}

// goesTo types a timecode after G.
func (v *visitor) goesTo(timecode string) {
	v.t.Helper()
	v.do(chromedp.KeyEvent("g"))
	v.until("document.activeElement?.ariaLabel === 'Go to timecode or TAI'", "nothing asks where to go")
	v.do(chromedp.KeyEvent(timecode + "\r"))
}

// shows waits until the portal says frame n, and the picture is frame n.
func (v *visitor) shows(n int) {
	v.t.Helper()
	v.until(fmt.Sprintf("%s === %d", shownFrame, n), fmt.Sprintf("the portal does not say frame %d", n))
	v.until(fmt.Sprintf("!document.querySelector('video').seeking && %s === %d", readNumber, n),
		fmt.Sprintf("the picture is not frame %d", n))
}

// marks puts the marks around frames 60 to 84 by keys, and downloads them.
func (v *visitor) marks(user *harness.User) {
	v.t.Helper()
	v.goesTo("10:00:02:10")
	v.shows(60)
	v.do(chromedp.KeyEvent("i"))
	v.goesTo("10:00:03:09")
	v.shows(84)
	v.do(chromedp.KeyEvent("o"))
	v.sees("25 frames")
	address := eval[string](v, "decodeURIComponent(location.search)")
	require.Equal(v.t, "?range=[2:400000000_3:400000000)", address)
	link := eval[string](v, "document.querySelector('[data-href]').dataset.href")
	v.shoot("player-marks")
	require.Contains(v.t, link, "trim=exact")

	request, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, user.URL+link, nil)
	require.NoError(v.t, err)
	response, err := user.HTTP.Do(request)
	require.NoError(v.t, err)
	defer func() { require.NoError(v.t, response.Body.Close()) }()
	require.Equal(v.t, http.StatusOK, response.StatusCode)
	path := filepath.Join(v.t.TempDir(), "window.mp4")
	file, err := os.Create(path)
	require.NoError(v.t, err)
	_, err = file.ReadFrom(response.Body)
	require.NoError(v.t, err)
	require.NoError(v.t, file.Close())
	require.Len(v.t, mediatest.FrameHashes(v.t, path, "v"), 25)
}
