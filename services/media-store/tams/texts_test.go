package tams_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the database cannot hold is the client's to mend, wherever it stands.
func TestTextsAreRefused(t *testing.T) {
	t.Parallel()
	alpha, _ := setup(t)
	flow := alpha.newFlow(t)
	of := "/flows/" + flow.String()
	got := alpha.want(t, http.StatusOK, http.MethodGet, of, nil)
	source := "/sources/" + got.object(t)["source_id"].(string)
	token := func(keys ...string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(keys, "\x00")))
	}
	whole := func(field string) raw { return raw(strings.TrimSuffix(string(got.body), "}") + "," + field + "}") }
	segment := map[string]any{"object_id": strings.Repeat("x", 4000), "timerange": "[0:0_1:0)", "get_urls": []any{map[string]any{"url": "https://x.example/a", "label": "a"}}}
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{http.MethodPut, of + "/label", raw(`"a\u0000b"`)},
		{http.MethodPut, of + "/label", raw("\"a\xffb\"")},
		{http.MethodPut, of + "/tags/colour", raw(`["\u0000"]`)},
		{http.MethodPut, of + "/tags/a%00b", raw(`"red"`)},
		{http.MethodPut, of + "/tags/a%ffb", raw(`"red"`)},
		{http.MethodPut, source + "/label", raw(`"\\\u0000"`)},
		{http.MethodPut, source + "/tags/colour", raw(`"\u0000"`)},
		{http.MethodPut, of, whole(`"remark": "\u0000"`)},
		{http.MethodPut, of, whole(`"remark": "\ud800"`)},
		{http.MethodPut, of, whole(`"remark": 1e999999`)},
		{http.MethodPost, of + "/storage", raw(`{"object_ids": ["\u0000"]}`)},
		{http.MethodPost, of + "/storage", map[string]any{"object_ids": []string{strings.Repeat("x", 4000)}}},
		{http.MethodPost, of + "/segments", raw(`{"object_id": "\u0000", "timerange": "[0:0_1:0)"}`)},
		{http.MethodPost, of + "/segments", segment},
		{http.MethodGet, "/flows?label=%00", nil},
		{http.MethodGet, "/flows?tag.a%00=b", nil},
		{http.MethodGet, "/flows?codec=%ff", nil},
		{http.MethodGet, "/flows?frame_width=99999999999", nil},
		{http.MethodGet, "/flows?sort_by=label&page=" + token("xyz", "", flow.String()), nil},
		{http.MethodGet, "/flows?sort_by=label&page=" + token("true", "\xff", flow.String()), nil},
		{http.MethodGet, "/flows?page=" + token("0000-01-01T00:00:00Z", flow.String()), nil},
		{http.MethodGet, "/flows?page=" + token("2026-01-01T00:00:00+23:00", flow.String()), nil},
		{http.MethodGet, of + "/segments?object_id=%00", nil},
		{http.MethodDelete, of + "/segments?object_id=%00", nil},
		{http.MethodGet, "/sources?label=%00", nil},
		{http.MethodGet, "/objects/%00", nil},
		{http.MethodDelete, "/objects/x/instances?label=%00", nil},
	} {
		refused := alpha.want(t, http.StatusBadRequest, c.method, c.path, c.body).object(t)
		require.Equal(t, "customer", refused["fault"], "%s %s", c.method, c.path)
		require.Equal(t, false, refused["retryable"])
	}
	alpha.want(t, http.StatusNoContent, http.MethodPut, of+"/label", raw(`"C:\\u0000"`)) // a backslash, and no escape
	require.Equal(t, `C:\u0000`, alpha.want(t, http.StatusOK, http.MethodGet, of, nil).object(t)["label"])
	first := alpha.want(t, http.StatusOK, http.MethodGet, "/flows?limit=1&sort_by=label", nil)
	require.Empty(t, linkNext(first))
	alpha.newFlow(t)
	for _, by := range []string{"created", "metadata_updated", "label"} {
		first := alpha.want(t, http.StatusOK, http.MethodGet, "/flows?limit=1&sort_by="+by, nil)
		require.Len(t, alpha.want(t, http.StatusOK, http.MethodGet, linkNext(first), nil).list(t), 1, by)
	}
}
