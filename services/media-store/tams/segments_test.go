package tams_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// linkNext returns the URL of the next page, "" on the last.
func linkNext(a *answer) string {
	link, _, _ := strings.Cut(strings.TrimPrefix(a.header.Get("Link"), "<"), ">")
	return link
}

func get(t *testing.T, address string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	response, err := new(http.Client).Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}

func TestSegmentsGoInAndOut(t *testing.T) {
	t.Parallel()
	alpha, _ := setup(t)
	id := alpha.newFlow(t)
	path := "/flows/" + id.String() + "/segments"
	for _, r := range []string{"[2:0_3:0)", "[0:0_1:0)", "[1:0_2:0)", "[5:0_6:500000000)"} {
		alpha.addSegment(t, id, r)
	}
	var ranges []string
	next, pages := path+"?limit=3", 0
	for next != "" {
		page := alpha.want(t, http.StatusOK, http.MethodGet, next, nil)
		for _, s := range page.list(t) {
			ranges = append(ranges, s["timerange"].(string))
			urls := s["get_urls"].([]any)
			require.Len(t, urls, 1)
			require.Equal(t, "pictures of "+s["timerange"].(string), get(t, urls[0].(map[string]any)["url"].(string)))
		}
		require.NotEmpty(t, page.header.Get("X-Paging-Timerange"))
		next = linkNext(page)
		pages++
	}
	require.Equal(t, 2, pages)
	require.Equal(t, []string{"[0:0_1:0)", "[1:0_2:0)", "[2:0_3:0)", "[5:0_6:500000000)"}, ranges)

	for query, count := range map[string]int{
		"timerange=[1:0_2:0)": 1, "timerange=[0:999999999_2:0]": 3, "timerange=[3:0_5:0)": 0, "timerange=_": 4, "timerange=()": 0,
		"timerange=[6:0_": 1, "timerange=_0:0": 1, "timerange=2:500000000": 1, "reverse_order=true": 4, "object_id=x": 0,
	} {
		require.Len(t, alpha.want(t, http.StatusOK, http.MethodGet, path+"?"+query, nil).list(t), count, query)
	}
	reversed := alpha.want(t, http.StatusOK, http.MethodGet, path+"?reverse_order=true&limit=1", nil)
	require.Equal(t, "[5:0_6:500000000)", reversed.list(t)[0]["timerange"])
	require.Equal(t, "[2:0_3:0)", alpha.want(t, http.StatusOK, http.MethodGet, linkNext(reversed), nil).list(t)[0]["timerange"])
	alpha.want(t, http.StatusBadRequest, http.MethodGet, path+"?timerange=yesterday", nil)
	beyond := alpha.want(t, http.StatusBadRequest, http.MethodGet, path+"?timerange=[0:0_9300000000:0)", nil).object(t)
	require.Equal(t, "time_out_of_range", beyond["code"])

	alpha.want(t, http.StatusNoContent, http.MethodDelete, path+"?timerange=[0:500000000_3:0)", nil) // the first is not covered whole
	require.Len(t, alpha.want(t, http.StatusOK, http.MethodGet, path, nil).list(t), 2)
	flow := alpha.want(t, http.StatusOK, http.MethodGet, "/flows/"+id.String()+"?include_timerange=true&timerange=[0:0_6:0)", nil).object(t)
	require.Equal(t, "[0:0_6:0)", flow["timerange"])
}

func TestSegmentsOfNoFlowAreNone(t *testing.T) {
	t.Parallel()
	alpha, _ := setup(t)
	page := alpha.want(t, http.StatusOK, http.MethodGet, "/flows/"+uuid.NewString()+"/segments", nil)
	require.Empty(t, page.list(t))
	require.Equal(t, "()", page.header.Get("X-Paging-Timerange"))
	require.Empty(t, page.header.Get("Link"))
}

func TestURLsAreChosen(t *testing.T) {
	t.Parallel()
	alpha, _ := setup(t)
	id := alpha.newFlow(t)
	object := alpha.upload(t, id, "bytes")
	path := "/flows/" + id.String() + "/segments"
	alpha.want(t, http.StatusCreated, http.MethodPost, path, map[string]any{
		"object_id": object, "timerange": "[0:0_1:0)", "ts_offset": "0:0",
		"get_urls": []any{map[string]any{"url": "https://elsewhere.example/a", "label": "copy"}},
	})
	for query, count := range map[string]int{
		"": 2, "accept_get_urls=": 0, "accept_get_urls=copy": 1, "accept_get_urls=grainmesh,copy": 2, "accept_get_urls=x": 0,
		"presigned=true": 1, "presigned=false": 1, "accept_storage_ids=x": 0, "storage_backend_tag.a=b": 1,
	} {
		segments := alpha.want(t, http.StatusOK, http.MethodGet, path+"?"+query, nil).list(t)
		require.Len(t, segments[0]["get_urls"], count, query)
	}
	verbose := alpha.want(t, http.StatusOK, http.MethodGet, path+"?verbose_storage=true&include_object_timerange=true", nil).list(t)[0]
	require.Equal(t, true, verbose["get_urls"].([]any)[0].(map[string]any)["controlled"])
	require.Equal(t, "[0:0_1:0)", verbose["object_timerange"])

	instances := "/objects/" + object + "/instances"
	alpha.want(t, http.StatusCreated, http.MethodPost, instances, map[string]any{"url": "https://third.example/a", "label": "third"})
	alpha.want(t, http.StatusBadRequest, http.MethodPost, instances, map[string]any{"url": "https://third.example/a", "label": "third"})
	alpha.want(t, http.StatusBadRequest, http.MethodPost, instances, map[string]any{"url": "nowhere", "label": "fourth"})
	alpha.want(t, http.StatusNoContent, http.MethodDelete, instances+"?label=third", nil)
	alpha.want(t, http.StatusNotFound, http.MethodDelete, instances+"?label=third", nil)
	alpha.want(t, http.StatusBadRequest, http.MethodDelete, instances, nil)
}

func TestSegmentsAreRefused(t *testing.T) {
	t.Parallel()
	alpha, _ := setup(t)
	id, other := alpha.newFlow(t), alpha.newFlow(t)
	path := "/flows/" + id.String() + "/segments"
	alpha.addSegment(t, id, "[0:0_1:0)")
	fresh := alpha.upload(t, id, "bytes")
	var empty struct {
		MediaObjects []struct {
			ObjectID string `json:"object_id"`
		} `json:"media_objects"`
	}
	alpha.want(t, http.StatusCreated, http.MethodPost, "/flows/"+id.String()+"/storage", nil).decode(t, &empty)
	segment := func(object, timerange string) map[string]any {
		return map[string]any{"object_id": object, "timerange": timerange}
	}
	for name, body := range map[string]any{
		"no json": raw("["), "empty list": raw("[]"), "no object": segment("", "[1:0_2:0)"), "unknown object": segment("x", "[1:0_2:0)"),
		"no range": segment(fresh, ""), "open range": segment(fresh, "[1:0_"), "empty range": segment(fresh, "()"),
		"overlap": segment(fresh, "[0:500000000_2:0)"), "not uploaded": segment(empty.MediaObjects[0].ObjectID, "[1:0_2:0)"),
	} {
		alpha.want(t, http.StatusBadRequest, http.MethodPost, path, body)
		require.NotEmpty(t, name)
	}
	alpha.want(t, http.StatusBadRequest, http.MethodPost, "/flows/"+other.String()+"/segments", segment(fresh, "[1:0_2:0)"))
	alpha.want(t, http.StatusNotFound, http.MethodPost, "/flows/"+uuid.NewString()+"/segments", segment(fresh, "[1:0_2:0)"))
	alpha.want(t, http.StatusNotFound, http.MethodGet, "/objects/"+fresh, nil) // allocated is not registered

	failed := alpha.want(t, http.StatusOK, http.MethodPost, path, []any{segment("x", "[1:0_2:0)"), segment(fresh, "[1:0_2:0)")}).object(t)
	list := failed["failed_segments"].([]any)
	require.Len(t, list, 1)
	require.Equal(t, "x", list[0].(map[string]any)["object_id"])
	require.Len(t, alpha.want(t, http.StatusOK, http.MethodGet, path, nil).list(t), 2)
}

// When we fail in the middle of a list, the client learns what is stored and what to
// send again.
func TestAListThatIsStoredInPart(t *testing.T) {
	t.Parallel()
	alpha, _ := setup(t)
	id := alpha.newFlow(t)
	path := "/flows/" + id.String() + "/segments"
	segment := func(timerange string) map[string]any {
		return map[string]any{"object_id": alpha.upload(t, id, timerange), "timerange": timerange}
	}
	first, wrong, second, third := segment("[0:0_1:0)"), segment("[0:0_1:0)"), segment("[1:0_2:0)"), segment("[2:0_3:0)")
	_, err := alpha.db.Exec(t.Context(), `ALTER TABLE segment ADD CONSTRAINT broken CHECK (start_ns <> 1000000000)`)
	require.NoError(t, err)
	answer := alpha.want(t, http.StatusOK, http.MethodPost, path, []any{first, wrong, second, third}).object(t)
	failed := answer["failed_segments"].([]any)
	require.Len(t, failed, 3)
	for i, want := range []struct {
		segment map[string]any
		blame   string
	}{{wrong, "customer"}, {second, "platform"}, {third, "platform"}} {
		got := failed[i].(map[string]any)
		require.Equal(t, want.segment["object_id"], got["object_id"])
		require.Equal(t, want.blame, got["error"].(map[string]any)["fault"])
		require.Equal(t, want.blame == "platform", got["error"].(map[string]any)["retryable"])
	}
	require.Len(t, alpha.want(t, http.StatusOK, http.MethodGet, path, nil).list(t), 1)
	alpha.want(t, http.StatusInternalServerError, http.MethodPost, path, []any{second, third}) // nothing is stored
	_, err = alpha.db.Exec(t.Context(), `ALTER TABLE segment DROP CONSTRAINT broken`)
	require.NoError(t, err)
	alpha.want(t, http.StatusCreated, http.MethodPost, path, []any{second, third})
}

func TestObjectsAreUsedAgain(t *testing.T) {
	t.Parallel()
	alpha, _ := setup(t)
	id, edit := alpha.newFlow(t), alpha.newFlow(t)
	object := alpha.addSegment(t, id, "[10:0_20:0)")
	path := "/flows/" + edit.String() + "/segments"
	again := map[string]any{"object_id": object, "timerange": "[0:0_5:0)", "ts_offset": "-12:0"}
	alpha.want(t, http.StatusCreated, http.MethodPost, path, again)
	alpha.want(t, http.StatusBadRequest, http.MethodPost, path, map[string]any{"object_id": object, "timerange": "[6:0_9:0)"})
	alpha.want(t, http.StatusBadRequest, http.MethodPost, path,
		map[string]any{"object_id": object, "timerange": "[6:0_7:0)", "ts_offset": "-5:0", "object_timerange": "[0:0_90:0)"})
	segment := alpha.want(t, http.StatusOK, http.MethodGet, path+"?include_object_timerange=true", nil).list(t)[0]
	require.Equal(t, "-12:0", segment["ts_offset"])
	require.Equal(t, "[10:0_20:0)", segment["object_timerange"])
	got := alpha.want(t, http.StatusOK, http.MethodGet, "/objects/"+object, nil).object(t)
	require.ElementsMatch(t, []any{id.String(), edit.String()}, got["referenced_by_flows"])
	require.Equal(t, id.String(), got["first_referenced_by_flow"])

	alpha.want(t, http.StatusNoContent, http.MethodDelete, "/flows/"+id.String(), nil)
	alpha.want(t, http.StatusOK, http.MethodGet, "/objects/"+object, nil)
	alpha.want(t, http.StatusNoContent, http.MethodDelete, "/flows/"+edit.String(), nil)
	alpha.want(t, http.StatusNotFound, http.MethodGet, "/objects/"+object, nil)
}

func TestObjectsMayBeElsewhere(t *testing.T) {
	t.Parallel()
	alpha, _ := setup(t)
	id := alpha.newFlow(t)
	object := "archive/reel 7/part#1"
	alpha.want(t, http.StatusCreated, http.MethodPost, "/flows/"+id.String()+"/segments", map[string]any{
		"object_id": object, "timerange": "[0:0_1:0)",
		"get_urls": []any{map[string]any{"url": "https://archive.example/7/1", "label": "archive"}},
	})
	path := "/objects/" + url.PathEscape(object)
	got := alpha.want(t, http.StatusOK, http.MethodGet, path, nil).object(t)
	require.Equal(t, object, got["id"])
	require.Len(t, got["get_urls"], 1)
	alpha.want(t, http.StatusBadRequest, http.MethodDelete, path+"/instances?label=archive", nil)
}

func TestStorageIsRefused(t *testing.T) {
	t.Parallel()
	alpha, _ := setup(t)
	id := alpha.newFlow(t)
	path := "/flows/" + id.String() + "/storage"
	alpha.want(t, http.StatusCreated, http.MethodPost, path, map[string]any{"object_ids": []string{"a/b", "../c"}})
	for _, body := range []any{
		map[string]any{"object_ids": []string{"a/b"}}, map[string]any{"limit": 1, "object_ids": []string{"d"}}, map[string]any{"limit": -1},
		map[string]any{"storage_id": uuid.NewString()}, map[string]any{"presigned": false}, map[string]any{"limit": 100_000}, raw("{"),
	} {
		alpha.want(t, http.StatusBadRequest, http.MethodPost, path, body)
	}
	multi := uuid.New()
	alpha.want(t, http.StatusCreated, http.MethodPut, "/flows/"+multi.String(),
		map[string]any{"id": multi, "source_id": uuid.New(), "format": "urn:x-nmos:format:multi"})
	alpha.want(t, http.StatusBadRequest, http.MethodPost, "/flows/"+multi.String()+"/storage", nil)
}
