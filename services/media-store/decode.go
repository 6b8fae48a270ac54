package mediastore

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// decodeRange reads a time range as TAMS writes it.
func decodeRange(text string) (mediatime.Range, error) {
	r, err := mediatime.ParseRange(text)
	switch {
	case errors.Is(err, mediatime.ErrOutOfRange):
		return r, fault.Wrap(fault.TimeOutOfRange, err)
	case err != nil:
		return r, fault.Wrap(fault.InvalidArgument, err)
	}
	return r, nil
}

// pageSize returns how many items of a page to give.
func pageSize(wanted int32, usual, most int) (int, error) {
	if wanted < 0 {
		return 0, fault.Newf(fault.InvalidArgument, "page_size is %d, want 0 to %d", wanted, most)
	}
	if wanted == 0 {
		return usual, nil
	}
	return min(int(wanted), most), nil
}

// A page token is opaque to clients: what it says may change.

func encodeToken(parts ...string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(parts, "/")))
}

func decodeToken(token string, parts int) ([]string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	out := strings.Split(string(raw), "/")
	if err != nil || len(out) != parts {
		return nil, badToken(token)
	}
	return out, nil
}

func badToken(token string) error {
	return fault.Newf(fault.InvalidArgument, "page_token %q is not one that was given out", token)
}

func encodeTimeToken(t mediatime.Time) string { return encodeToken(t.String()) }

func decodeTimeToken(token string) (*mediatime.Time, error) {
	if token == "" {
		return nil, nil //nolint:nilnil // no token is the first page
	}
	parts, err := decodeToken(token, 1)
	if err != nil {
		return nil, err
	}
	t, err := mediatime.Parse(parts[0])
	if err != nil {
		return nil, badToken(token)
	}
	return &t, nil
}
