package store_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/media"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// BenchmarkOneObjectRun is the store's part of a job of one small file: two Flows,
// one object, open to close.
func BenchmarkOneObjectRun(b *testing.B) {
	s := setup(b)
	for b.Loop() {
		flow := audioFlow(uuid.New())
		multi := &media.Flow{ID: uuid.New(), SourceID: uuid.New(), Format: media.FormatMulti, Collection: []media.Member{{FlowID: flow.ID}}}
		run := store.Run{Job: uuid.NewString(), Number: 1}
		require.NoError(b, s.PutFlows(b.Context(), tenantA, run, "bench", []*media.Flow{multi, flow}, nil))
		_, err := s.Register(b.Context(), tenantA, s.work(b, tenantA, run, flow.ID, seconds(0, 1)))
		require.NoError(b, err)
		_, err = s.EndRun(b.Context(), tenantA, run, store.Close)
		require.NoError(b, err)
	}
}
