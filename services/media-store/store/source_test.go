package store_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/grainmesh/grainmesh/pkg/media"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

// Events of a Source may come out of order, or twice: the revision says which is the
// newest.
func TestEventsOfASourceAreInOrder(t *testing.T) {
	t.Parallel()
	b, flow := setup(t), uuid.New()
	b.newRun(t, tenantA, flow)
	source := audioFlow(flow).SourceID
	for i := range 3 {
		require.NoError(t, b.EditSource(t.Context(), tenantA, source, "somebody", func(s *media.Source) error {
			s.Label = fmt.Sprint("take ", i)
			return nil
		}))
	}
	rows, err := b.db.Query(t.Context(), `SELECT payload FROM outbox WHERE subject LIKE 'event.source.%' ORDER BY id`)
	require.NoError(t, err)
	payloads, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	require.NoError(t, err)
	require.Len(t, payloads, 4)
	last := int64(0)
	for i, payload := range payloads {
		event := &mediastorev1.SourceChanged{}
		require.NoError(t, proto.Unmarshal(payload, event))
		require.Greater(t, event.GetRevision(), last, "event %d", i)
		last = event.GetRevision()
	}
}
