package tenants_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/serve"
)

const tamsTable = `
GET    /tams/v8.2/                            read   200
GET    /tams/v8.2/service                     read   200
# Nobody may: it is set where the service is deployed.
POST   /tams/v8.2/service                     write  403 {}
GET    /tams/v8.2/service/storage-backends    read   200
GET    /tams/v8.2/service/profiles            read   200
GET    /tams/v8.2/service/profiles/{flow}     read   404
POST   /tams/v8.2/service/profiles/{flow}     write  404 {}
GET    /tams/v8.2/service/webhooks            read   404
POST   /tams/v8.2/service/webhooks            write  404 {}
GET    /tams/v8.2/service/webhooks/{flow}     read   404
PUT    /tams/v8.2/service/webhooks/{flow}     write  404 {}
DELETE /tams/v8.2/service/webhooks/{flow}     delete 404
GET    /tams/v8.2/flow-delete-requests        read   200
GET    /tams/v8.2/flow-delete-requests/{flow} read   404

GET    /tams/v8.2/sources                           read  200
GET    /tams/v8.2/sources?label={label}             read  200
GET    /tams/v8.2/sources/{source}                  read  404
GET    /tams/v8.2/sources/{source}/label            read  404
PUT    /tams/v8.2/sources/{source}/label            write 404 "mine"
DELETE /tams/v8.2/sources/{source}/label            write 404
GET    /tams/v8.2/sources/{source}/description      read  404
PUT    /tams/v8.2/sources/{source}/description      write 404 "mine"
DELETE /tams/v8.2/sources/{source}/description      write 404
GET    /tams/v8.2/sources/{source}/tags             read  404
GET    /tams/v8.2/sources/{source}/tags/reel        read  404
PUT    /tams/v8.2/sources/{source}/tags/reel        write 404 "mine"
DELETE /tams/v8.2/sources/{source}/tags/reel        write 404

GET    /tams/v8.2/flows                         read   200
GET    /tams/v8.2/flows?source_id={source}      read   200
GET    /tams/v8.2/flows?label={label}           read   200
GET    /tams/v8.2/flows?collected_by_ids={multi} read  200
GET    /tams/v8.2/flows?tag.reel=secret-tag     read   200
GET    /tams/v8.2/flows/{flow}                  read   404
GET    /tams/v8.2/flows/{multi}                 read   404
# An id is given once in a mesh, as UUIDs are: who knows one learns that it is taken.
PUT    /tams/v8.2/flows/{flow}                  write  400* {"id": "{flow}", "source_id": "{new}", "format": "urn:x-nmos:format:audio", "codec": "a/b", "essence_parameters": {"sample_rate": 48000, "channels": 2}}
PUT    /tams/v8.2/flows/{new}                   write  400* {"id": "{new}", "source_id": "{source}", "format": "urn:x-nmos:format:audio", "codec": "a/b", "essence_parameters": {"sample_rate": 48000, "channels": 2}}
DELETE /tams/v8.2/flows/{flow}                  delete 404
DELETE /tams/v8.2/flows/{multi}                 delete 404
GET    /tams/v8.2/flows/{flow}/label            read   404
PUT    /tams/v8.2/flows/{flow}/label            write  404 "mine"
DELETE /tams/v8.2/flows/{flow}/label            write  404
GET    /tams/v8.2/flows/{flow}/description      read   404
PUT    /tams/v8.2/flows/{flow}/description      write  404 "mine"
DELETE /tams/v8.2/flows/{flow}/description      write  404
GET    /tams/v8.2/flows/{flow}/max_bit_rate     read   404
PUT    /tams/v8.2/flows/{flow}/max_bit_rate     write  404 7
DELETE /tams/v8.2/flows/{flow}/max_bit_rate     write  404
GET    /tams/v8.2/flows/{flow}/avg_bit_rate     read   404
PUT    /tams/v8.2/flows/{flow}/avg_bit_rate     write  404 7
DELETE /tams/v8.2/flows/{flow}/avg_bit_rate     write  404
GET    /tams/v8.2/flows/{multi}/flow_collection read   404
PUT    /tams/v8.2/flows/{multi}/flow_collection write  404 []
PUT    /tams/v8.2/flows/{b_flow}/flow_collection write 400 [{"id": "{flow}", "role": "sound"}]
DELETE /tams/v8.2/flows/{multi}/flow_collection write  404
GET    /tams/v8.2/flows/{flow}/read_only        read   404
PUT    /tams/v8.2/flows/{flow}/read_only        write  404 true
GET    /tams/v8.2/flows/{flow}/tags             read   404
GET    /tams/v8.2/flows/{flow}/tags/reel        read   404
PUT    /tams/v8.2/flows/{flow}/tags/reel        write  404 "mine"
DELETE /tams/v8.2/flows/{flow}/tags/reel        write  404
# A Flow that is not there has no segments, which TAMS does not count as an error.
GET    /tams/v8.2/flows/{flow}/segments         read   200
GET    /tams/v8.2/flows/{flow}/segments?object_id={object} read 200
POST   /tams/v8.2/flows/{flow}/segments         write  404 {"object_id": "{object}", "timerange": "[5:0_6:0)"}
POST   /tams/v8.2/flows/{b_flow}/segments       write  400 {"object_id": "{object}", "timerange": "[0:0_1:0)"}
DELETE /tams/v8.2/flows/{flow}/segments         delete 404
POST   /tams/v8.2/flows/{flow}/storage          write  404 {"limit": 1}
GET    /tams/v8.2/flows/{flow}/window           read   404
GET    /tams/v8.2/flows/{multi}/window?format=gsf read 404
GET    /tams/v8.2/flows/{flow}/grains/0:0       read   404

GET    /tams/v8.2/objects/{object}                        read   404
POST   /tams/v8.2/objects/{object}/instances              write  404 {"url": "http://mine.example/x", "label": "mine"}
DELETE /tams/v8.2/objects/{object}/instances?label=theirs delete 404
`

// requireEveryTAMSRoute says that every route of the store's table is tried by a line.
func requireEveryTAMSRoute(t *testing.T, w *world) {
	t.Helper()
	router := tamsRouter(t, w)
	tried := map[string]bool{}
	for _, a := range parse(t, tamsTable) {
		target, err := url.Parse(strings.NewReplacer("{", "", "}", "").Replace(a.path))
		require.NoError(t, err)
		pattern := router.Find(chi.NewRouteContext(), a.method, target.Path)
		require.NotEmpty(t, pattern, "there is no route for %s", a)
		tried[a.method+" "+strings.TrimSuffix(pattern, "/")] = true
	}
	count := 0
	require.NoError(t, chi.Walk(router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		count++
		require.True(t, tried[method+" "+strings.TrimSuffix(route, "/")], "no line tries %s %s", method, route)
		return nil
	}))
	require.Greater(t, count, 50)
}

// tamsRouter finds the store's own router.
func tamsRouter(t *testing.T, w *world) chi.Routes {
	t.Helper()
	for _, r := range w.routes["media-store"].Public {
		if r.Prefix == harness.TAMS {
			require.Equal(t, serve.ByRequest, r.Scope)
			router, ok := r.Handler.(chi.Routes)
			require.True(t, ok, "the routes can be listed")
			return router
		}
	}
	require.Fail(t, "the store serves no TAMS")
	return nil
}
