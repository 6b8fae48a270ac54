package portalbff

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/grainmesh/grainmesh/pkg/sources"
)

const (
	// cleanEvery is how often old uploads are looked for. Several processes may do it
	// beside one another: what is gone already is no error.
	cleanEvery = time.Hour
	// cleanPage is how many files are listed, and removed, at a time.
	cleanPage = 1000
)

// keepClean removes old uploads until ctx ends.
func (s *Service) keepClean(ctx context.Context) error {
	wait := rand.N(cleanEvery / 10) //nolint:gosec // processes that start together need not all list at once
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		if err := s.clean(ctx, time.Now()); err != nil && ctx.Err() == nil {
			s.deps.Log.WarnContext(ctx, "old uploads were not all removed", "err", err)
		}
		wait = cleanEvery
	}
}

// clean removes the files and the unfinished uploads that are too old now.
func (s *Service) clean(ctx context.Context, now time.Time) error {
	unfinished, errUnfinished := s.dropUnfinished(ctx, now.Add(-s.config.KeepUnfinished))
	files, errFiles := s.dropFiles(ctx, now.Add(-s.config.KeepUploads))
	s.metrics.removed.WithLabelValues("unfinished").Add(float64(unfinished))
	s.metrics.removed.WithLabelValues("file").Add(float64(files))
	if unfinished+files > 0 {
		s.deps.Log.InfoContext(ctx, "old uploads removed", "files", files, "unfinished", unfinished)
	}
	return errors.Join(errUnfinished, errFiles)
}

// dropUnfinished aborts the uploads that began before a time, and says how many.
func (s *Service) dropUnfinished(ctx context.Context, before time.Time) (int, error) {
	uploads, err := s.deps.Bucket.UnfinishedUploads(ctx, sources.Uploads)
	if err != nil {
		return 0, err
	}
	dropped := 0
	for _, u := range uploads {
		if !u.Begun.Before(before) {
			continue
		}
		if err := s.deps.Bucket.AbortUpload(ctx, u.Key, u.Upload); err != nil {
			return dropped, err
		}
		dropped++
	}
	return dropped, nil
}

// dropFiles removes the files that were uploaded before a time, and says how many.
func (s *Service) dropFiles(ctx context.Context, before time.Time) (int, error) {
	dropped := 0
	for after := ""; ; {
		page, err := s.deps.Bucket.List(ctx, sources.Uploads, after, cleanPage)
		if err != nil {
			return dropped, err
		}
		var old []string
		for _, object := range page.Objects {
			if object.Modified.Before(before) {
				old = append(old, object.Key)
			}
		}
		if err := s.deps.Bucket.Remove(ctx, old...); err != nil {
			return dropped, err
		}
		dropped += len(old)
		if after = page.Next; after == "" {
			return dropped, nil
		}
	}
}
