package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	portalv1 "github.com/grainmesh/grainmesh/rpc/portal/v1"
)

const (
	// patience bounds each wait for something to show.
	patience = 30 * time.Second
	// look is how often a condition is looked at.
	look = 50 * time.Millisecond

	root        = "../.."
	web         = root + "/services/portal-bff/web"
	screenshots = root + "/.bin/screenshots"
)

// visitor is a person at a browser of their own.
type visitor struct {
	t    *testing.T
	ctx  context.Context
	mesh *harness.Mesh

	mu       sync.Mutex
	problems []string
}

// visit opens a browser. What its pages throw, or are refused by their content
// policy, fails the test at its end.
func visit(t *testing.T, mesh *harness.Mesh) *visitor {
	t.Helper()
	require.FileExists(t, web+"/dist/index.html", "the pages are not built: run make web")
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.Flag("disable-gpu", true), chromedp.WindowSize(1440, 1040),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"), chromedp.Flag("mute-audio", true),
		chromedp.Flag("disable-background-networking", true), chromedp.UserDataDir(t.TempDir()))
	allocator, closeAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeBrowser := chromedp.NewContext(allocator)
	v := &visitor{t: t, ctx: ctx, mesh: mesh}
	t.Cleanup(func() {
		closeBrowser()
		closeAllocator()
		v.mu.Lock()
		defer v.mu.Unlock()
		require.Empty(t, v.problems, "what the pages complained of")
	})
	require.NoError(t, chromedp.Listen(ctx, v.hear))
	require.NoError(t, chromedp.Do(ctx, func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, target, cdplog.Enable, cdp.Empty{})
		return chromedp.Void{}, err
	}))
	return v
}

// chromium finds the browser; without one there is nothing to prove.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	require.Fail(t, "there is no chromium: install it, or name it in CHROMIUM")
	return ""
}

func (v *visitor) hear(event any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		v.problems = append(v.problems, complaint(e.ExceptionDetails))
	case *cdplog.EventEntryAdded:
		if e.Entry.Source == cdplog.EntrySourceSecurity && e.Entry.Level == cdplog.EntryLevelError {
			v.problems = append(v.problems, e.Entry.Text)
		}
	}
}

func complaint(e *runtime.ExceptionDetails) string {
	if e.Exception != nil {
		return e.Text + " " + e.Exception.Description
	}
	return e.Text
}

// do runs actions within patience.
func (v *visitor) do(actions ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		v.shoot("failed-" + v.t.Name())
		require.NoError(v.t, err)
	}
}

// eval returns the value of an expression in the page, awaited.
func eval[T any](v *visitor, script string) T {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	require.NoError(v.t, err, script[:min(len(script), 200)])
	return value
}

// open goes to a path of the portal.
func (v *visitor) open(path string) {
	v.t.Helper()
	v.do(chromedp.Navigate(v.mesh.URL + path))
}

// until waits for an expression to be true in the page.
func (v *visitor) until(script, why string) {
	v.t.Helper()
	holds := func() bool {
		ok, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool]("Boolean("+script+")"))
		return err == nil && ok
	}
	if !holds() {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		ticker := time.NewTicker(look)
		defer ticker.Stop()
		for !holds() {
			select {
			case <-ticker.C:
			case <-timer.C:
				v.shoot("failed-" + v.t.Name())
				require.Fail(v.t, why, script)
			}
		}
	}
}

// sees waits for a text on the page.
func (v *visitor) sees(text string) {
	v.t.Helper()
	v.until("document.body.innerText.includes("+quote(text)+")", "the page does not say "+text)
}

// presses a button or link by its name.
func (v *visitor) presses(name string) {
	v.t.Helper()
	find := fmt.Sprintf(`[...document.querySelectorAll('button, a, label, [role=tab]')].find((e) => (e.ariaLabel ?? e.innerText).trim().startsWith(%s) && !e.disabled)`, quote(name))
	v.until(find, "there is no button "+name)
	eval[chromedp.Void](v, find+".click()")
}

func (v *visitor) shoot(name string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return
	}
	require.NoError(v.t, os.MkdirAll(screenshots, 0o755))
	require.NoError(v.t, os.WriteFile(filepath.Join(screenshots, strings.ReplaceAll(name, "/", "-")+".png"), picture, 0o600))
}

// logIn opens a one-time link of a user of the tenant, and returns the link.
func (v *visitor) logIn(tenant, next string) string {
	v.t.Helper()
	user := v.mesh.User(v.t, tenant)
	portal := portalv1.NewPortalProtobufClient(user.URL, user.HTTP)
	response, err := portal.CreateLoginLink(v.t.Context(), &portalv1.CreateLoginLinkRequest{Next: next})
	require.NoError(v.t, err)
	v.do(chromedp.Navigate(response.GetUrl()))
	v.sees("Live")
	return response.GetUrl()
}

// accessible asks axe what keeps people out of the page; nothing serious may.
func (v *visitor) accessible(page string) {
	v.t.Helper()
	axe, err := os.ReadFile(web + "/node_modules/axe-core/axe.min.js")
	require.NoError(v.t, err, "the pages' packages are not installed: run make web")
	found := eval[string](v, string(axe)+`;axe.run({ resultTypes: ['violations'] }).then((r) => JSON.stringify(r.violations
		.filter((x) => ['serious', 'critical'].includes(x.impact))
		.map((x) => x.id + ': ' + x.nodes.map((n) => n.target.join(' ')).join(', '))))`)
	require.Equal(v.t, "[]", found, page)
}

func quote(text string) string {
	data, err := json.Marshal(text)
	if err != nil {
		return `""`
	}
	return string(data)
}
