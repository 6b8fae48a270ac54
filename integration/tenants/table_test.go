package tenants_test

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/auth"
)

// attempt is a line of a table: a request, the scope that it needs, and what B gets.
//
//	METHOD PATH SCOPE STATUS BODY
//
// {job}, {flow} and such are ids of A's. Where the line has one, B must get the same
// answer as for an id that nobody has; a status with a star says that it does not, and
// the comment above the line says why. "stream" in place of a status is a stream of
// events, which has a test of its own.
type attempt struct {
	method, path, body string
	scope              auth.Scope
	status             int
	differs, stream    bool
}

func (a *attempt) String() string { return a.method + " " + a.path }

var placeholder = regexp.MustCompile(`\{[a-z_]+\}`)

// names says whether the attempt is on something of A's.
func (a *attempt) names() bool { return placeholder.MatchString(a.path + a.body) }

// parse reads tables.
func parse(t *testing.T, tables ...string) []*attempt {
	t.Helper()
	var attempts []*attempt
	for line := range strings.Lines(strings.Join(tables, "\n")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		require.GreaterOrEqual(t, len(fields), 4, line)
		a := &attempt{method: fields[0], path: fields[1], scope: auth.Scope(fields[2]), body: strings.Join(fields[4:], " ")}
		if fields[3] == "stream" {
			a.stream = true
		} else {
			var err error
			number, found := strings.CutSuffix(fields[3], "*")
			a.status, err = strconv.Atoi(number)
			require.NoError(t, err, line)
			a.differs = found
		}
		attempts = append(attempts, a)
	}
	return attempts
}

func public(t *testing.T) []*attempt {
	t.Helper()
	return parse(t, twirpTable, tamsTable, otherTable)
}

// What is neither Twirp nor TAMS.
const otherTable = `
GET /events  read  stream
GET /metrics admin 200
GET /origin/hls/{flow}/main.m3u8          read 404
GET /origin/hls/{multi}/main.m3u8         read 404
GET /origin/hls/{multi}/{flow}/media.m3u8 read 404
GET /origin/hls/{multi}/{flow}/init-0.mp4 read 404
GET /origin/hls/{multi}/{flow}/0.m4s      read 404
`

// TestAnotherTenant tries B on everything of A's.
func TestAnotherTenant(t *testing.T) {
	t.Parallel()
	for _, mode := range harness.Modes() {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			w := setupAs(t, mode)
			w.fill(t)
			before := w.ownedBy(t, tenantA)
			for _, a := range public(t) {
				if !a.stream {
					t.Run(a.String(), func(t *testing.T) { w.requireNotThere(t, a) })
				}
			}
			require.Equal(t, before, w.ownedBy(t, tenantA), "something of A's was changed")
			call(t, w.a, portalAPI+"SignParts", w.fillIn(`{"upload_id": "{upload}", "parts": [1]}`, false))
		})
	}
}

// requireNotThere says that B gets what the table says, that it tells nothing of A, and
// that it is what B gets where there is nothing.
func (w *world) requireNotThere(t *testing.T, a *attempt) {
	t.Helper()
	path, body := w.fillIn(a.path, false), w.fillIn(a.body, false)
	got := w.send(t, w.URL, w.b.Token, a.method, path, body)
	require.Equal(t, a.status, got.Status, "%s", got.Body)
	w.requireSilent(t, path+body, got.Body)
	if a.differs || !a.names() {
		return
	}
	none := w.send(t, w.URL, w.b.Token, a.method, w.fillIn(a.path, true), w.fillIn(a.body, true))
	require.Equal(t, a.status, none.Status, "of what is not there: %s", none.Body)
	require.Equal(t, w.blank(none.Body, true), w.blank(got.Body, false), "what is A's shows")
}

// TestScopes tries everything with every scope but the one that it needs, and with
// that one alone.
func TestScopes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.fill(t)
	before := w.ownedBy(t, tenantA)
	for _, a := range public(t) {
		t.Run(a.String(), func(t *testing.T) {
			path, body := w.fillIn(a.path, false), w.fillIn(a.body, false)
			var others []auth.Scope
			for _, scope := range auth.UserScopes() {
				if scope != a.scope && scope != auth.Admin {
					others = append(others, scope)
				}
			}
			got := w.send(t, w.URL, w.User(t, tenantA, others...).Token, a.method, path, body)
			require.Equal(t, http.StatusForbidden, got.Status, "%s", got.Body)
			require.Contains(t, string(got.Body), "has no scope")
			service, err := w.signer(t, "reader").Service(auth.ForTenant(t.Context(), tenantA), auth.AudienceUsers)
			require.NoError(t, err)
			got = w.send(t, w.URL, service, a.method, path, body)
			require.Equal(t, http.StatusForbidden, got.Status, "as a service: %s", got.Body)
			if a.stream {
				return
			}
			// As B, so that nothing is changed.
			got = w.send(t, w.URL, w.User(t, tenantB, a.scope).Token, a.method, path, body)
			require.Equal(t, a.status, got.Status, "with %s alone: %s", a.scope, got.Body)
		})
	}
	require.Equal(t, before, w.ownedBy(t, tenantA))
}
