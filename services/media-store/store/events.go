package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/outbox"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

// fact makes an event of a message.
func fact(tenant Tenant, subject string, message proto.Message) (outbox.Fact, error) {
	payload, err := proto.Marshal(message)
	if err != nil {
		return outbox.Fact{}, fmt.Errorf("encode %s: %w", subject, err)
	}
	return outbox.Fact{Tenant: string(tenant), Subject: subject, Payload: payload}, nil
}

// publish writes events of one kind to the outbox.
func publish[T any](ctx context.Context, s *Store, tx pgx.Tx, of []T, event func(T) (outbox.Fact, error)) error {
	if len(of) == 0 {
		return nil
	}
	facts := make([]outbox.Fact, len(of))
	for i, it := range of {
		var err error
		if facts[i], err = event(it); err != nil {
			return err
		}
	}
	return outbox.AddFacts(ctx, tx, s.trace.TraceParent(ctx), facts...)
}

type flowEvent = subjects.Event[*mediastorev1.FlowChanged]

// publishFlows tells how the given Flows stand after a change.
func (s *Store) publishFlows(ctx context.Context, tx pgx.Tx, event flowEvent, tenant Tenant, ids []uuid.UUID) error {
	return s.publishSegments(ctx, tx, event, tenant, ids, nil)
}

// publishSegments tells the same, and what range was added to each.
func (s *Store) publishSegments(
	ctx context.Context, tx pgx.Tx, event flowEvent, tenant Tenant, ids []uuid.UUID, added map[uuid.UUID]mediatime.Range,
) error {
	if len(ids) == 0 {
		return nil
	}
	flows, err := flowsByID(ctx, tx, tenant, ids)
	if err != nil {
		return err
	}
	return publish(ctx, s, tx, flows, func(f *Flow) (outbox.Fact, error) {
		message := &mediastorev1.FlowChanged{Flow: f.Proto(), Tenant: string(tenant), Revision: f.Revision}
		if r, ok := added[f.ID]; ok {
			message.TimerangeAdded = r.String()
		}
		return fact(tenant, event.Subject(f.ID.String()), message)
	})
}

// deletedFlow is a Flow that was deleted and the revision that says so.
type deletedFlow struct {
	ID       uuid.UUID
	Revision int64
}

func (s *Store) publishDeleted(ctx context.Context, tx pgx.Tx, tenant Tenant, flows []deletedFlow) error {
	return publish(ctx, s, tx, flows, func(f deletedFlow) (outbox.Fact, error) {
		return fact(tenant, subjects.FlowDeleted.Subject(f.ID.String()),
			&mediastorev1.FlowDeleted{FlowId: f.ID.String(), Tenant: string(tenant), Revision: f.Revision})
	})
}

func (s *Store) publishSources(
	ctx context.Context, tx pgx.Tx, event subjects.Event[*mediastorev1.SourceChanged], tenant Tenant, sources []*media.Source,
) error {
	return publish(ctx, s, tx, sources, func(source *media.Source) (outbox.Fact, error) {
		return fact(tenant, event.Subject(source.ID.String()),
			&mediastorev1.SourceChanged{Source: source.Proto(), Tenant: string(tenant)})
	})
}
