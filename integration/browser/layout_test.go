package browser_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
)

// drawnOver lists the controls of a page that lie over one another, or beyond its edge.
const drawnOver = `(() => {
	const name = (e) => (e.ariaLabel || e.dataset.testid || e.id || e.innerText || e.tagName).slice(0, 40);
	const all = [...document.querySelectorAll('main :is(button, input, a, video, canvas, [data-testid=tai])')]
		.map((e) => ({ e, r: e.getBoundingClientRect() })).filter(({ r, e }) => r.width > 0 && r.height > 0 && e.checkVisibility());
	const found = all.filter(({ r }) => r.left < -1 || r.right > innerWidth + 1).map(({ e }) => 'beyond the edge: ' + name(e));
	if (document.documentElement.scrollWidth > innerWidth) found.push('the page scrolls sideways');
	for (const [i, a] of all.entries())
		for (const b of all.slice(i + 1)) {
			if (a.e.contains(b.e) || b.e.contains(a.e)) continue;
			const wide = Math.min(a.r.right, b.r.right) - Math.max(a.r.left, b.r.left);
			const high = Math.min(a.r.bottom, b.r.bottom) - Math.max(a.r.top, b.r.top);
			if (wide > 1 && high > 1) found.push(name(a.e) + ' over ' + name(b.e));
		}
	return JSON.stringify(found);
})()`

// TestTheFlowPageFitsEveryWidth looks at the player on a phone, a tablet and a laptop.
func TestTheFlowPageFitsEveryWidth(t *testing.T) {
	t.Parallel()
	mesh := harness.New(t, harness.Options{})
	user := mesh.User(t, "acme")
	job := user.Ingest(t, specOf(mesh.Source.Set("/film.mp4", harness.File(read(t, counted(t))))))
	v := visit(t, mesh)
	v.logIn("acme", "/flows/"+job.GetFlowId())
	v.until("document.querySelector('video')?.readyState >= 3", "the film does not load")
	for _, size := range []struct{ width, height int64 }{{390, 800}, {800, 900}, {1280, 800}} {
		v.do(chromedp.EmulateViewport(size.width, size.height))
		v.until(fmt.Sprintf("innerWidth === %d", size.width), "the window keeps its size")
		v.shoot(fmt.Sprintf("flow-%d", size.width))
		v.until(drawnOver+" === '[]'", "controls lie over one another at "+fmt.Sprint(size.width))
		wide := eval[float64](v, "document.querySelector('video').getBoundingClientRect().width")
		require.Greater(t, wide, 0.55*float64(size.width), "the picture is small")
	}
}
