package store_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// A value that nobody has looked at before it comes to the database is its sender's
// fault still, and no reason to try again.
func TestValuesThatTheDatabaseRefuses(t *testing.T) {
	t.Parallel()
	b, flow := setup(t), uuid.New()
	b.newRun(t, tenantA, flow)
	_, err := b.ListFlows(t.Context(), tenantA, store.FlowQuery{Text: "\x00", Page: store.Page{Limit: 1}})
	require.True(t, fault.Is(err, fault.InvalidArgument), "%v", err)
	_, err = b.ListSources(t.Context(), tenantA, store.SourceQuery{Text: "\xff", Page: store.Page{Limit: 1}})
	require.True(t, fault.Is(err, fault.InvalidArgument), "%v", err)
	err = b.EditFlow(t.Context(), tenantA, flow, "somebody", func(f *store.Flow) error {
		f.Document = []byte(`{"remark": "\ud800"}`)
		return nil
	})
	require.True(t, fault.Is(err, fault.InvalidArgument), "%v", err)
	err = b.PutFlows(t.Context(), tenantA, store.Run{Job: "\x00", Number: 1}, "chunker", nil, nil)
	require.True(t, fault.Is(err, fault.InvalidArgument), "%v", err)
}
