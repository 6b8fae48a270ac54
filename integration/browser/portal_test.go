package browser_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	portalbff "github.com/grainmesh/grainmesh/services/portal-bff"
)

const (
	partBytes = 5 << 20 // the least that S3 takes
	// seconds of stereo at 48 kHz that need three parts
	longWAV = 60
)

// TestAFileIsUploadedAndIngested takes a WAV through the form: to the object store in
// parts, straight from the browser, then through all layers, watched live.
func TestAFileIsUploadedAndIngested(t *testing.T) {
	t.Parallel()
	mesh := harness.New(t, harness.Options{Adjust: func(config any) {
		if c, ok := config.(*portalbff.Config); ok {
			c.PartBytes = partBytes
		}
	}})
	v := visit(t, mesh)
	v.logIn("acme", "/jobs")
	v.sees("No jobs yet")
	v.shoot("jobs-empty")

	file := mediatest.Make(t, "atmosphere.wav", "-f", "lavfi", "-i", "anoisesrc=d=60:r=48000", "-ac", "2")
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Greater(t, info.Size(), int64(2*partBytes), "%d s are too few for three parts", longWAV)

	v.presses("New job")
	v.presses("Upload a file")
	v.until("document.querySelector('input[type=file]')", "there is no place for a file")
	v.do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{file}))
	v.sees(filepath.Base(file))
	v.shoot("new-job")
	v.presses("Upload and ingest")
	v.until("/^\\/jobs\\/[0-9a-f-]{36}$/.test(location.pathname)", "the job's page does not open")
	v.sees("Completed")
	v.shoot("job-completed")

	v.presses("atmosphere.wav")
	v.until("location.pathname.startsWith('/flows/')", "the Flow's page does not open")
	v.until("document.querySelector('video')?.readyState >= 3", "the sound does not load")
	v.do(chromedp.KeyEvent(" "))
	v.until("document.querySelector('video').currentTime > 0.5", "the sound does not play")
	v.shoot("flow-sound")
}

// TestALinkLogsInOnce opens a log-in link twice, and a page without one.
func TestALinkLogsInOnce(t *testing.T) {
	t.Parallel()
	mesh := harness.New(t, harness.Options{})
	v := visit(t, mesh)
	v.open("/library?q=news")
	v.sees("grainmesh login-link --next '/library?q=news'")
	v.shoot("login")
	v.accessible("log-in")

	link := v.logIn("acme", "/library?q=news")
	path := eval[string](v, "location.pathname + location.search")
	require.Equal(t, "/library?q=news", path)

	other := visit(t, mesh)
	other.do(chromedp.Navigate(link))
	other.sees("That link was used before, has expired, or is mistyped")
}

// TestNobodySeesAnotherTenant looks for one tenant's job as another.
func TestNobodySeesAnotherTenant(t *testing.T) {
	t.Parallel()
	mesh := harness.New(t, harness.Options{})
	url := mesh.Source.Set("/empty.wav", harness.File(nil))
	job := mesh.User(t, "acme").Submit(t, specOf(url))

	v := visit(t, mesh)
	v.logIn("other", "/jobs/"+job.GetId())
	v.sees("The job cannot be shown")
	v.sees("not_found")
	v.open("/jobs")
	v.sees("No jobs yet")
}

// TestAFailureSaysWhatWhyAndWhatNow fails a job, and tries it again from its page.
func TestAFailureSaysWhatWhyAndWhatNow(t *testing.T) {
	t.Parallel()
	mesh := harness.New(t, harness.Options{})
	v := visit(t, mesh)
	v.logIn("acme", "/jobs")
	v.sees("No jobs yet")

	// The list is open: the job must appear and fail in it by itself.
	user := mesh.User(t, "acme")
	url := mesh.Source.Set("/film.wav", harness.File([]byte(strings.Repeat("no media ", 100))))
	job := user.Submit(t, specOf(url))
	v.sees("film.wav")
	v.sees("Failed")
	v.presses("film.wav")
	v.sees("The file could not be ingested")
	v.sees(user.Await(t, job.GetId()).GetFailure().GetCode())
	v.shoot("job-failed")
	v.accessible("failed job")

	v.presses("Retry")
	v.sees("run 2")
}

// TestEveryPageIsAccessible asks axe about every page in both colour schemes.
func TestEveryPageIsAccessible(t *testing.T) {
	t.Parallel()
	mesh := harness.New(t, harness.Options{})
	user := mesh.User(t, "acme")
	url := mesh.Source.Set("/film.mp4", harness.File(read(t, counted(t))))
	job := user.Ingest(t, specOf(url))
	v := visit(t, mesh)
	v.logIn("acme", "/jobs")
	pages := map[string]string{
		"jobs": "/jobs", "job": "/jobs/" + job.GetId(), "new-job": "/jobs/new", "library": "/library",
		"sources": "/library?show=sources", "flow": "/flows/" + job.GetFlowId(), "nowhere": "/nowhere",
	}
	for _, scheme := range []string{"dark", "light"} {
		eval[chromedp.Void](v, "localStorage.setItem('grainmesh-color-scheme', "+quote(scheme)+")")
		for name, path := range pages {
			v.open(path)
			v.sees("Live")
			v.until("!document.querySelector('[aria-label=Loading]')", "it loads for ever")
			v.accessible(name + " " + scheme)
			v.shoot("page-" + name + "-" + scheme)
		}
	}
}
