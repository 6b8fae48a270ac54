package browser_test

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
)

// loses cuts the browser off from the mesh, or joins it again.
func (v *visitor) loses(connection bool) {
	v.t.Helper()
	rules := []*network.Conditions{}
	if connection {
		rules = append(rules, &network.Conditions{Offline: true, DownloadThroughput: -1, UploadThroughput: -1})
	}
	require.NoError(v.t, chromedp.Do(v.ctx, func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		params := network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: rules}
		_, err := cdp.Call(ctx, target, network.EmulateNetworkConditionsByRule, params)
		return chromedp.Void{}, err
	}))
}

const framed = "document.querySelector('nav[aria-label=Main]')"

// TestALostConnectionMendsItself changes pages and downloads while nothing answers.
func TestALostConnectionMendsItself(t *testing.T) {
	t.Parallel()
	mesh := harness.New(t, harness.Options{})
	user := mesh.User(t, "acme")
	job := user.Ingest(t, specOf(mesh.Source.Set("/film.mp4", harness.File(read(t, counted(t))))))
	v := visit(t, mesh)
	v.logIn("acme", "/flows/"+job.GetFlowId())
	v.until("document.querySelector('video')?.readyState >= 3", "the film does not load")

	v.loses(true)
	v.presses("Download all")
	v.sees("The portal does not answer")
	v.sees("unreachable")
	require.False(t, eval[bool](v, "document.body.innerText.includes('Failed to fetch')"))
	v.presses("Jobs")
	v.sees("Grainmesh cannot be reached")
	v.until(framed, "the frame is gone")
	v.shoot("unreachable")
	require.False(t, eval[bool](v, "document.body.innerText.includes('The fault is ours')"))

	v.loses(false)
	v.sees("film.mp4")
	v.until("location.pathname === '/jobs' && "+framed, "the page does not come back")
	v.sees("Live")
}

// TestAWrongMarkStaysAndSaysWhy types marks that cannot be.
func TestAWrongMarkStaysAndSaysWhy(t *testing.T) {
	t.Parallel()
	mesh := harness.New(t, harness.Options{})
	user := mesh.User(t, "acme")
	job := user.Ingest(t, specOf(mesh.Source.Set("/film.mp4", harness.File(read(t, counted(t))))))
	v := visit(t, mesh)
	v.logIn("acme", "/flows/"+job.GetFlowId())
	v.until("document.querySelector('video')?.readyState >= 3", "the film does not load")

	v.types("mark-Out", "10:00:20:00\r")
	v.sees("This is after the end, 10:00:09:24.")
	v.types("mark-In", "abc\t")
	v.sees("Write it as HH:MM:SS:FF")
	kept := eval[string](v, "document.getElementById('mark-In').value + ' ' + document.getElementById('mark-Out').value")
	require.Equal(t, "abc 10:00:20:00", kept)
	require.Empty(t, eval[string](v, "location.search"))

	v.types("mark-In", "10:00:05:00\r")
	v.sees("125 frames")
	v.types("mark-Out", "10:00:04:00\r")
	v.sees("This is before the in mark.")
	v.until("document.querySelector('[data-href]').disabled", "a range that cannot be is offered")
	v.types("mark-Out", "10:00:05:24\r")
	v.sees("25 frames")
	v.goesTo("00:00:99:99")
	v.sees("There is no frame 99: the last is 24.")
}

// types replaces what a field holds.
func (v *visitor) types(id, text string) {
	v.t.Helper()
	eval[chromedp.Void](v, "document.getElementById("+quote(id)+").select()")
	v.do(chromedp.KeyEvent(text))
}
