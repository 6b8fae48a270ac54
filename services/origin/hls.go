package origin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/serve"

	"github.com/grainmesh/grainmesh/services/origin/cache"
)

// hlsPrefix is what paths of HLS begin with:
//
//	/origin/hls/[TOKEN/]FLOW/main.m3u8
//	/origin/hls/[TOKEN/]FLOW/TRACK/{media.m3u8,init-N.mp4,N.m4s}
//
// A token in the path travels with relative URLs into every player. Without it the
// request proves itself in the usual ways.
const hlsPrefix = "/origin/hls/"

// resource is what a URL answers with.
type resource struct {
	body []byte
	kind string // MIME type
	etag string
}

func newResource(body []byte, kind string) *resource {
	sum := sha256.Sum256(body)
	return &resource{body, kind, `"` + hex.EncodeToString(sum[:12]) + `"`}
}

// MIME types (RFC 8216, 4 and RFC 4337).
const (
	kindPlaylist = "application/vnd.apple.mpegurl"
	kindVideo    = "video/mp4"
	kindAudio    = "audio/mp4"
)

// How long browsers keep answers. Playlists are asked again, by their ETag; so is media
// whose path has no token, because the next who asks for that path may be another user
// of the same browser.
const (
	keepAndAsk = "private, no-cache"
	keepMedia  = "private, max-age=3600"
)

func (s *Service) hls() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		answer, keep, err := s.answer(r)
		if err != nil {
			w.Header().Set("Cache-Control", "no-store")
			if fault.Of(err).Retryable() {
				w.Header().Set("Retry-After", "1")
			}
			serve.WriteError(w, r, err)
			return
		}
		w.Header().Set("Content-Type", answer.kind)
		w.Header().Set("ETag", answer.etag)
		w.Header().Set("Cache-Control", keep)
		if keep == keepAndAsk {
			w.Header().Add("Vary", "Cookie, Authorization")
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(answer.body))
	})
}

// target is what a path names.
type target struct {
	tenant string
	flow   uuid.UUID
	track  string // empty for the main playlist
	file   string
	linked bool // the path has a token: only its holders know it
}

// answer finds what a request asks for, and how long it may be kept.
func (s *Service) answer(r *http.Request) (*resource, string, error) {
	t, err := s.target(r)
	if err != nil {
		return nil, "", err
	}
	ctx := auth.ForTenant(r.Context(), t.tenant)
	playlist := strings.HasSuffix(t.file, ".m3u8")
	v, err := s.presentation(ctx, t, playlist)
	if err != nil {
		return nil, "", err
	}
	if len(v.tracks) == 0 {
		return nil, "", nothingYet(v, t.flow)
	}
	if t.track == "" {
		if t.file != "main.m3u8" {
			return nil, "", noFile(t.file)
		}
		return newResource([]byte(mainPlaylist(v)), kindPlaylist), keepAndAsk, nil
	}
	track := v.track(t.track)
	if track == nil {
		return nil, "", fault.Newf(fault.NotFound, "flow %s plays no flow %s", t.flow, t.track)
	}
	if t.file == "media.m3u8" {
		return newResource([]byte(mediaPlaylist(v, track, s.config.limits())), kindPlaylist), keepAndAsk, nil
	}
	keep := keepAndAsk
	if t.linked {
		keep = keepMedia
	}
	answer, err := s.media(ctx, t, v, track)
	return answer, keep, err
}

// target reads the path and says for whom it is asked: what a token does not open is
// not there.
func (s *Service) target(r *http.Request) (*target, error) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, hlsPrefix), "/")
	id, linked := auth.From(r.Context()), false
	if _, err := uuid.Parse(parts[0]); err != nil && len(parts) > 1 {
		if id, err = s.deps.Verifier.Verify(parts[0]); err != nil {
			return nil, err
		}
		linked, parts = true, parts[1:]
	}
	flow, err := uuid.Parse(parts[0])
	if err != nil || len(parts) < 2 || len(parts) > 3 {
		return nil, noFile(r.URL.Path)
	}
	if err := opens(auth.WithIdentity(r.Context(), id), id, flow); err != nil {
		return nil, err
	}
	t := &target{tenant: id.Tenant, flow: flow, file: parts[len(parts)-1], linked: linked}
	if len(parts) == 3 {
		t.track = parts[1]
	}
	return t, nil
}

// opens says whether who asks may play a Flow: with a play token for it, or as a
// user who may read.
func opens(ctx context.Context, id *auth.Identity, flow uuid.UUID) error {
	if id == nil {
		return fault.New(fault.Unauthenticated, "playing needs a link of Playback.GetLinks, or a token")
	}
	if id.Has(auth.Play) {
		if id.Resource != flow.String() {
			return fault.Newf(fault.NotFound, "this link does not open flow %s", flow)
		}
		return nil
	}
	_, err := auth.Require(ctx, auth.Read)
	return err
}

func noFile(name string) error { return fault.Newf(fault.NotFound, "there is no %s here", name) }

// nothingYet says why a presentation has no tracks.
func nothingYet(v *view, flow uuid.UUID) error {
	if v.complete {
		return fault.Newf(fault.NotFound, "nothing of flow %s can be played: %s", flow, strings.Join(v.unplayable, "; "))
	}
	return fault.Newf(fault.Unavailable, "nothing of flow %s is there to be played yet", flow)
}

func (v *view) track(id string) *trackView {
	for i := range v.tracks {
		if v.tracks[i].flow.ID.String() == id {
			return &v.tracks[i]
		}
	}
	return nil
}

// presentation returns what is known of a Flow; for playlists no older than the
// settings say, for media as long as it knows of what is asked.
func (s *Service) presentation(ctx context.Context, t *target, fresh bool) (*view, error) {
	key := t.tenant + "/" + t.flow.String()
	p, _, err := s.presentations.Get(ctx, key, func(context.Context) (*presentation, error) {
		return newPresentation(t.flow, s.deps.Store, s.config.limits()), nil
	})
	if err != nil {
		return nil, err
	}
	age := s.config.Refresh
	if !fresh {
		age = max(age, mediaAge)
	}
	return p.at(ctx, s.deps.Now().Add(-age), !fresh, s.deps.Now)
}

// mediaAge is how long segments of a Flow may be served after it was deleted.
const mediaAge = 5 * time.Second

// media returns a media segment or an initialization section.
func (s *Service) media(ctx context.Context, t *target, v *view, track *trackView) (*resource, error) {
	kind := kindVideo
	if track.audio {
		kind = kindAudio
	}
	fill, err := s.maker(t, v, track)
	if err != nil {
		return nil, err
	}
	key := strings.Join([]string{t.tenant, t.flow.String(), t.track, t.file, strconv.FormatInt(int64(v.zero), 10)}, "/")
	r, hit, err := s.resources.Get(ctx, key, func(ctx context.Context) (*resource, error) {
		body, err := fill(ctx)
		if err != nil {
			return nil, err
		}
		return newResource(body, kind), nil
	})
	if errors.Is(err, cache.ErrPanic) {
		s.deps.Log.ErrorContext(ctx, "making a segment panicked", "flow_id", t.flow, "track", t.track, "file", t.file, "err", err)
	}
	if err == nil {
		s.metrics.countServed(hit)
	}
	return r, err
}

// maker returns what makes the file that a path names.
func (s *Service) maker(t *target, v *view, track *trackView) (func(context.Context) ([]byte, error), error) {
	var number int
	if name, ok := strings.CutSuffix(t.file, ".m4s"); ok {
		n, err := strconv.Atoi(name)
		if err != nil || n < 0 || n >= len(track.spans) || track.spans[n].Empty || strconv.Itoa(n) != name {
			return nil, noFile(t.file)
		}
		return func(ctx context.Context) ([]byte, error) { return s.segment(ctx, v, track, n) }, nil
	}
	if _, err := fmt.Sscanf(t.file, "init-%d.mp4", &number); err != nil || t.file != fmt.Sprintf("init-%d.mp4", number) || number > 0xffff || number < 0 {
		return nil, noFile(t.file)
	}
	return func(ctx context.Context) ([]byte, error) { return s.initSection(ctx, v, track, uint16(number)) }, nil
}

// segment makes a media segment when its turn comes.
func (s *Service) segment(ctx context.Context, v *view, track *trackView, number int) ([]byte, error) {
	select {
	case s.builds <- struct{}{}:
		defer func() { <-s.builds }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	started := time.Now()
	b := &builder{s, v, track, number, track.spans[number]}
	body, err := b.build(ctx)
	if err == nil {
		s.metrics.build.Observe(time.Since(started).Seconds())
	}
	return body, err
}
