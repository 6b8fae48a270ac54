package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/outbox"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

// fact queues an event.
func (s *Store) fact(ctx context.Context, u *unit, tenant Tenant, subject string, message proto.Message) error {
	payload, err := proto.Marshal(message)
	if err != nil {
		return fmt.Errorf("encode %s: %w", subject, err)
	}
	u.changes.AddFact(s.trace.TraceParent(ctx), outbox.Fact{Tenant: string(tenant), Subject: subject, Payload: payload})
	return nil
}

type flowEvent = subjects.Event[*mediastorev1.FlowChanged]

// publishFlows tells how Flows stand.
func (s *Store) publishFlows(ctx context.Context, u *unit, event flowEvent, flows ...*Flow) error {
	for _, f := range flows {
		if err := s.publishFlow(ctx, u, event, f, nil); err != nil {
			return err
		}
	}
	return nil
}

// publishFlow tells how a Flow stands, and what range was added to it.
func (s *Store) publishFlow(ctx context.Context, u *unit, event flowEvent, f *Flow, added *mediatime.Range) error {
	message := &mediastorev1.FlowChanged{Flow: f.Proto(), Tenant: string(f.Tenant), Revision: f.Revision}
	if added != nil {
		message.TimerangeAdded = added.String()
	}
	return s.fact(ctx, u, f.Tenant, event.Subject(f.ID.String()), message)
}

// publishStand reads a Flow after what is queued has been done, and tells how it
// stands then.
func (s *Store) publishStand(ctx context.Context, u *unit, event flowEvent, tenant Tenant, id uuid.UUID) error {
	flows, err := u.readFlows(tenant, []uuid.UUID{id})
	if err != nil {
		return err
	}
	return s.publishFlows(ctx, u, event, flows...)
}

// deletedFlow is a Flow that was deleted and the revision that says so.
type deletedFlow struct {
	ID       uuid.UUID
	Revision int64
}

func (s *Store) publishDeleted(ctx context.Context, u *unit, tenant Tenant, flows []deletedFlow) error {
	for _, f := range flows {
		message := &mediastorev1.FlowDeleted{FlowId: f.ID.String(), Tenant: string(tenant), Revision: f.Revision}
		if err := s.fact(ctx, u, tenant, subjects.FlowDeleted.Subject(f.ID.String()), message); err != nil {
			return err
		}
	}
	return nil
}

type sourceEvent = subjects.Event[*mediastorev1.SourceChanged]

// changedSource is a Source and the revision that says how it stands.
type changedSource struct {
	*media.Source

	Revision int64
}

func (s *Store) publishSources(ctx context.Context, u *unit, event sourceEvent, tenant Tenant, sources ...changedSource) error {
	for _, source := range sources {
		message := &mediastorev1.SourceChanged{Source: source.Proto(), Tenant: string(tenant), Revision: source.Revision}
		if err := s.fact(ctx, u, tenant, event.Subject(source.ID.String()), message); err != nil {
			return err
		}
	}
	return nil
}
