package tams_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
)

func TestServiceTellsOfItself(t *testing.T) {
	t.Parallel()
	alpha, _ := setup(t)
	service := alpha.want(t, http.StatusOK, http.MethodGet, "/service", nil).object(t)
	require.Equal(t, "8.2", service["api_version"])
	require.Equal(t, "3600:0", service["min_object_timeout"])
	require.Equal(t, "3600:0", service["min_presigned_url_timeout"])
	require.Contains(t, service["type"], "urn:x-tams:service")
	backends := alpha.want(t, http.StatusOK, http.MethodGet, "/service/storage-backends", nil).list(t)
	require.Len(t, backends, 1)
	require.Equal(t, "http_object_store", backends[0]["store_type"])
	require.Empty(t, alpha.want(t, http.StatusOK, http.MethodGet, "/service/storage-backends?tag.x=y", nil).list(t))
	require.Empty(t, alpha.want(t, http.StatusOK, http.MethodGet, "/service/profiles", nil).list(t))
	require.Empty(t, alpha.want(t, http.StatusOK, http.MethodGet, "/flow-delete-requests", nil).list(t))
	alpha.want(t, http.StatusNotFound, http.MethodGet, "/service/webhooks", nil)
	alpha.want(t, http.StatusNotFound, http.MethodGet, "/nothing", nil)
	alpha.want(t, http.StatusOK, http.MethodGet, "", nil)
	alpha.want(t, http.StatusOK, http.MethodGet, "/", nil)
}

func TestFlowIsGivenBackAsItWasPut(t *testing.T) {
	t.Parallel()
	alpha, _ := setup(t)
	id, source := uuid.New(), uuid.New()
	put := videoFlow(id, source)
	created := alpha.want(t, http.StatusCreated, http.MethodPut, "/flows/"+id.String(), put).object(t)
	require.Equal(t, "somebody", created["created_by"])

	got := alpha.want(t, http.StatusOK, http.MethodGet, "/flows/"+id.String(), nil).object(t)
	require.InDelta(t, 1, got["generation"], 0)
	require.Equal(t, map[string]any{"reel": "A1", "people": []any{"ann", "bob"}}, got["tags"])
	essence := got["essence_parameters"].(map[string]any)
	require.Equal(t, map[string]any{"numerator": 25.0}, essence["frame_rate"])
	require.NotContains(t, got, "timerange")
	require.Equal(t, "()", alpha.want(t, http.StatusOK, http.MethodGet, "/flows/"+id.String()+"?include_timerange=true", nil).object(t)["timerange"])

	got["label"] = "camera two"
	delete(got, "tags")
	alpha.want(t, http.StatusNoContent, http.MethodPut, "/flows/"+id.String(), got)
	again := alpha.want(t, http.StatusOK, http.MethodGet, "/flows/"+id.String(), nil).object(t)
	require.Equal(t, "camera two", again["label"])
	require.Empty(t, again["tags"])
	require.Equal(t, got["created"], again["created"])
	require.NotEqual(t, got["metadata_version"], again["metadata_version"])
	require.Equal(t, got["essence_parameters"], again["essence_parameters"])
	require.Equal(t, source.String(), alpha.want(t, http.StatusOK, http.MethodGet, "/sources/"+source.String(), nil).object(t)["id"])
}

func TestFlowsAreRefused(t *testing.T) {
	t.Parallel()
	alpha, beta := setup(t)
	id, source := uuid.New(), uuid.New()
	alpha.want(t, http.StatusCreated, http.MethodPut, "/flows/"+id.String(), videoFlow(id, source))
	with := func(change func(map[string]any)) map[string]any {
		f := videoFlow(uuid.New(), source)
		change(f)
		return f
	}
	cases := map[string]struct {
		who    *client
		path   uuid.UUID // nil: that of the flow
		body   any
		status int
	}{
		"no json":            {alpha, uuid.New(), raw("{"), http.StatusBadRequest},
		"another id":         {alpha, uuid.New(), with(func(map[string]any) {}), http.StatusBadRequest},
		"no essence":         {alpha, uuid.Nil, with(func(f map[string]any) { delete(f, "essence_parameters") }), http.StatusBadRequest},
		"no codec":           {alpha, uuid.Nil, with(func(f map[string]any) { delete(f, "codec") }), http.StatusBadRequest},
		"unknown format":     {alpha, uuid.Nil, with(func(f map[string]any) { f["format"] = "film" }), http.StatusBadRequest},
		"unknown status":     {alpha, uuid.Nil, with(func(f map[string]any) { f["status"] = "done" }), http.StatusBadRequest},
		"source of audio":    {alpha, uuid.Nil, with(func(f map[string]any) { f["format"] = "urn:x-nmos:format:data" }), http.StatusBadRequest},
		"unknown profile":    {alpha, uuid.Nil, with(func(f map[string]any) { f["profile_id"] = "x" }), http.StatusBadRequest},
		"unknown member":     {alpha, uuid.Nil, with(func(f map[string]any) { f["flow_collection"] = []any{map[string]any{"id": uuid.New()}} }), http.StatusBadRequest},
		"raw without depth":  {alpha, uuid.Nil, with(func(f map[string]any) { f["codec"] = "video/raw" }), http.StatusBadRequest},
		"foreign source":     {beta, uuid.Nil, with(func(map[string]any) {}), http.StatusBadRequest},
		"foreign flow":       {beta, id, videoFlow(id, uuid.New()), http.StatusBadRequest},
		"source that moves":  {alpha, id, videoFlow(id, uuid.New()), http.StatusBadRequest},
		"tag that is number": {alpha, uuid.Nil, with(func(f map[string]any) { f["tags"] = map[string]any{"x": 1} }), http.StatusBadRequest},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := c.path.String()
			if f, ok := c.body.(map[string]any); ok && c.path == uuid.Nil {
				path = f["id"].(uuid.UUID).String()
			}
			refused := c.who.want(t, c.status, http.MethodPut, "/flows/"+path, c.body).object(t)
			require.NotEmpty(t, refused["summary"])
			require.NotEmpty(t, refused["code"])
		})
	}
}

func TestPathsNeedAnID(t *testing.T) {
	t.Parallel()
	alpha, _ := setup(t)
	v7, err := uuid.NewV7()
	require.NoError(t, err)
	for _, id := range []string{"x", v7.String(), "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"} {
		alpha.want(t, http.StatusNotFound, http.MethodGet, "/flows/"+id, nil)
		alpha.want(t, http.StatusNotFound, http.MethodGet, "/flows/"+id+"/segments", nil)
		alpha.want(t, http.StatusNotFound, http.MethodGet, "/sources/"+id, nil)
	}
}

func TestFieldsOfAFlow(t *testing.T) {
	t.Parallel()
	alpha, _ := setup(t)
	id := alpha.newFlow(t)
	member := alpha.newFlow(t)
	flow := "/flows/" + id.String()
	fields := map[string]any{
		"label": "a new label", "description": "said by hand", "max_bit_rate": 5000.0, "avg_bit_rate": 4000.0, "tags/reel": "B2",
		"tags/people":     []any{"cat"},
		"flow_collection": []any{map[string]any{"id": member.String(), "role": "video"}},
	}
	for name, value := range fields {
		alpha.want(t, http.StatusNoContent, http.MethodPut, flow+"/"+name, value)
		var got any
		alpha.want(t, http.StatusOK, http.MethodGet, flow+"/"+name, nil).decode(t, &got)
		if name == "tags/people" {
			value = "cat" // one value is given back as a text
		}
		require.Equal(t, value, got, name)
		head := alpha.want(t, http.StatusOK, http.MethodHead, flow+"/"+name, nil)
		require.Empty(t, head.body)
		alpha.want(t, http.StatusNoContent, http.MethodDelete, flow+"/"+name, nil)
		if name != "flow_collection" {
			alpha.want(t, http.StatusNotFound, http.MethodGet, flow+"/"+name, nil)
		}
	}
	alpha.want(t, http.StatusBadRequest, http.MethodPut, flow+"/label", 5)
	alpha.want(t, http.StatusBadRequest, http.MethodPut, flow+"/max_bit_rate", "fast")
	alpha.want(t, http.StatusNotFound, http.MethodDelete, flow+"/tags/nothing", nil)
	require.Empty(t, alpha.want(t, http.StatusOK, http.MethodGet, flow+"/tags", nil).object(t))
}

func TestReadOnlyFlowsStay(t *testing.T) {
	t.Parallel()
	alpha, _ := setup(t)
	id := alpha.newFlow(t)
	flow := "/flows/" + id.String()
	object := alpha.addSegment(t, id, "[0:0_1:0)")
	alpha.want(t, http.StatusNoContent, http.MethodPut, flow+"/read_only", true)
	alpha.want(t, http.StatusForbidden, http.MethodPut, flow+"/label", "x")
	alpha.want(t, http.StatusForbidden, http.MethodDelete, flow, nil)
	alpha.want(t, http.StatusForbidden, http.MethodPost, flow+"/storage", nil)
	alpha.want(t, http.StatusForbidden, http.MethodDelete, flow+"/segments", nil)
	alpha.want(t, http.StatusForbidden, http.MethodPost, flow+"/segments", map[string]any{"object_id": object, "timerange": "[5:0_6:0)"})
	alpha.want(t, http.StatusNoContent, http.MethodPut, flow+"/read_only", false)
	alpha.want(t, http.StatusNoContent, http.MethodPut, flow+"/label", "x")
}

func TestSourcesFollowFromFlows(t *testing.T) {
	t.Parallel()
	alpha, _ := setup(t)
	part, partSource := uuid.New(), uuid.New()
	alpha.want(t, http.StatusCreated, http.MethodPut, "/flows/"+part.String(), videoFlow(part, partSource))
	multi, multiSource := uuid.New(), uuid.New()
	alpha.want(t, http.StatusCreated, http.MethodPut, "/flows/"+multi.String(), map[string]any{
		"id": multi, "source_id": multiSource, "format": "urn:x-nmos:format:multi",
		"flow_collection": []any{map[string]any{"id": part, "role": "video"}},
	})
	source := alpha.want(t, http.StatusOK, http.MethodGet, "/sources/"+multiSource.String(), nil).object(t)
	require.Equal(t, []any{map[string]any{"id": partSource.String(), "role": "video"}}, source["source_collection"])
	source = alpha.want(t, http.StatusOK, http.MethodGet, "/sources/"+partSource.String(), nil).object(t)
	require.Equal(t, []any{multiSource.String()}, source["collected_by"])
	top := alpha.want(t, http.StatusOK, http.MethodGet, "/sources?collected_by_ids=", nil).list(t)
	require.Len(t, top, 1)
	require.Equal(t, multiSource.String(), top[0]["id"])

	path := "/sources/" + partSource.String()
	alpha.want(t, http.StatusNoContent, http.MethodPut, path+"/label", "camera")
	alpha.want(t, http.StatusNoContent, http.MethodPut, path+"/tags/place", []string{"hall", "roof"})
	require.Len(t, alpha.want(t, http.StatusOK, http.MethodGet, "/sources?tag.place=roof,cellar", nil).list(t), 1)
	require.Empty(t, alpha.want(t, http.StatusOK, http.MethodGet, "/sources?tag.place=ro", nil).list(t))
	require.Len(t, alpha.want(t, http.StatusOK, http.MethodGet, "/sources?tag_exists.place=false", nil).list(t), 1)
	alpha.want(t, http.StatusNoContent, http.MethodDelete, path+"/tags/place", nil)
	alpha.want(t, http.StatusNoContent, http.MethodDelete, "/flows/"+part.String(), nil)
	alpha.want(t, http.StatusNotFound, http.MethodGet, path, nil)
	require.NotContains(t, alpha.want(t, http.StatusOK, http.MethodGet, "/flows/"+multi.String(), nil).object(t), "flow_collection")
}

func TestFlowsAreListed(t *testing.T) {
	t.Parallel()
	alpha, beta := setup(t)
	var ids []string
	for range 5 {
		ids = append([]string{alpha.newFlow(t).String()}, ids...) // the newest first
	}
	var seen []string
	next := "/flows?limit=2"
	for next != "" {
		page := alpha.want(t, http.StatusOK, http.MethodGet, next, nil)
		for _, f := range page.list(t) {
			seen = append(seen, f["id"].(string))
		}
		require.Equal(t, "2", page.header.Get("X-Paging-Limit"))
		next = linkNext(page)
	}
	require.Equal(t, ids, seen)
	for query, count := range map[string]int{
		"?format=urn:x-nmos:format:video": 5, "?format=urn:x-nmos:format:audio": 0, "?codec=video/h264": 5,
		"?label=camera+one": 5, "?label=camera": 0, "?frame_width=1920&frame_height=1080": 5, "?frame_width=1280": 0,
		"?tag.people=ann": 5, "?tag.people=ann,bob,x": 5, "?tag.people=an": 0, "?tag_exists.reel=true": 5,
		"?timerange=()": 5, "?timerange=_": 0, "?status=ingesting": 0, "?collected_by_ids=": 5, "?init_segments=true": 0,
		"?sort_by=label": 5, "?sort_by=metadata_updated&reverse_order=true": 5,
	} {
		require.Len(t, alpha.want(t, http.StatusOK, http.MethodGet, "/flows"+query, nil).list(t), count, query)
	}
	for _, query := range []string{"?limit=x", "?limit=0", "?timerange=x", "?sort_by=size", "?page=%20", "?page=AAAA", "?source_id=x", "?reverse_order=maybe"} {
		alpha.want(t, http.StatusBadRequest, http.MethodGet, "/flows"+query, nil)
	}
	require.Empty(t, beta.want(t, http.StatusOK, http.MethodGet, "/flows", nil).list(t))
}

func TestEveryMethodNeedsItsScope(t *testing.T) {
	t.Parallel()
	alpha, _ := setup(t)
	id := alpha.newFlow(t)
	flow := "/flows/" + id.String()
	reader := &client{alpha.base, "alpha", []auth.Scope{auth.Read}, nil}
	writer := &client{alpha.base, "alpha", []auth.Scope{auth.Read, auth.Write}, nil}
	nobody := &client{base: alpha.base}
	nobody.want(t, http.StatusUnauthorized, http.MethodGet, flow, nil)
	reader.want(t, http.StatusOK, http.MethodGet, flow, nil)
	reader.want(t, http.StatusForbidden, http.MethodPut, flow+"/label", "x")
	reader.want(t, http.StatusForbidden, http.MethodPost, flow+"/storage", nil)
	writer.want(t, http.StatusNoContent, http.MethodPut, flow+"/label", "x")
	writer.want(t, http.StatusNoContent, http.MethodDelete, flow+"/label", nil)
	writer.want(t, http.StatusForbidden, http.MethodDelete, flow, nil)
	writer.want(t, http.StatusForbidden, http.MethodDelete, flow+"/segments", nil)
	writer.want(t, http.StatusForbidden, http.MethodDelete, "/objects/reel%2Ftags/instances?label=other", nil) // a slash of the id is no part of the path
	writer.want(t, http.StatusNotFound, http.MethodDelete, flow+"/tags/a%2Fb", nil)
	service := &client{alpha.base, "alpha", []auth.Scope{auth.Service}, nil}
	service.want(t, http.StatusForbidden, http.MethodGet, flow, nil)
}

func TestTenantsAreApart(t *testing.T) {
	t.Parallel()
	alpha, beta := setup(t)
	id := alpha.newFlow(t)
	object := alpha.addSegment(t, id, "[0:0_1:0)")
	flow := "/flows/" + id.String()
	beta.want(t, http.StatusNotFound, http.MethodGet, flow, nil)
	beta.want(t, http.StatusNotFound, http.MethodDelete, flow, nil)
	beta.want(t, http.StatusNotFound, http.MethodPut, flow+"/label", "mine")
	beta.want(t, http.StatusNotFound, http.MethodPut, flow+"/read_only", true)
	beta.want(t, http.StatusNotFound, http.MethodPost, flow+"/storage", nil)
	beta.want(t, http.StatusNotFound, http.MethodDelete, flow+"/segments", nil)
	beta.want(t, http.StatusNotFound, http.MethodGet, "/objects/"+object, nil)
	beta.want(t, http.StatusNotFound, http.MethodPost, "/objects/"+object+"/instances", map[string]any{"url": "http://x/y", "label": "mine"})
	require.Empty(t, beta.want(t, http.StatusOK, http.MethodGet, flow+"/segments", nil).list(t))
	own := beta.newFlow(t)
	beta.want(t, http.StatusBadRequest, http.MethodPost, "/flows/"+own.String()+"/segments",
		map[string]any{"object_id": object, "timerange": "[0:0_1:0)"})
}
