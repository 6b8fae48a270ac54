package portalbff

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/sources"
)

func TestAnUploadIsItsOwnId(t *testing.T) {
	t.Parallel()
	u := &upload{Key: sources.UploadPrefix("acme") + "/7/film.mp4", Upload: "s3", Size: 33, Part: 16}
	require.EqualValues(t, 3, u.parts())
	got, err := parseUpload("acme", u.id())
	require.NoError(t, err)
	require.Equal(t, u, got)

	_, err = parseUpload("other", u.id())
	require.Equal(t, fault.NotFound, fault.Of(err).Code, "another tenant's")
}

func TestParseUploadRefuses(t *testing.T) {
	t.Parallel()
	prefix := sources.UploadPrefix("acme")
	for name, u := range map[string]upload{
		"a path that climbs":   {Key: prefix + "/../../other/film.mp4", Size: 1, Part: 1},
		"no size of parts":     {Key: prefix + "/film.mp4", Size: 1},
		"a negative size":      {Key: prefix + "/film.mp4", Size: -1, Part: 1},
		"a tenant's neighbour": {Key: prefix + "x/film.mp4", Size: 1, Part: 1},
	} {
		_, err := parseUpload("acme", u.id())
		require.Error(t, err, name)
	}
	_, err := parseUpload("acme", "{}")
	require.Equal(t, fault.InvalidArgument, fault.Of(err).Code)
}
