package ingest

import (
	"context"
	"fmt"
	"time"
)

// DeleteEnded deletes jobs that ended before an instant, with their work, and
// returns how many.
func (o *Jobs) DeleteEnded(ctx context.Context, before time.Time) (int64, error) {
	tag, err := o.db.Exec(ctx, `DELETE FROM job WHERE finished_at < $1`, before)
	if err != nil {
		return 0, fmt.Errorf("delete jobs that ended before %s: %w", before.Format(time.RFC3339), err)
	}
	return tag.RowsAffected(), nil
}
