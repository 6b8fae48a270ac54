package subjects

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
	readerv1 "github.com/grainmesh/grainmesh/rpc/reader/v1"
	workv1 "github.com/grainmesh/grainmesh/rpc/work/v1"
)

// Layer is one layer of work: one stream, one kind of worker.
type Layer string

// Layers.
const (
	Analyse Layer = "analyse"
	Chunk   Layer = "chunk"
	Read    Layer = "read"
	// Close ends the Flows of a run; job-api does it itself.
	Close Layer = "close"
)

// Layers lists all of them, in the order of an ingest.
func Layers() []Layer { return []Layer{Analyse, Chunk, Read, Close} }

// Stream returns the name of the layer's work-queue stream.
func (l Layer) Stream() string { return "WORK_" + strings.ToUpper(string(l)) }

// All returns the wildcard of all the layer's work.
func (l Layer) All() string { return "work." + string(l) + ".>" }

// Work returns the subject of one piece of work. Kind is the format's name, "any"
// where none is known yet.
func (l Layer) Work(kind, id string) string {
	return "work." + string(l) + "." + token(kind) + "." + token(id)
}

// ParseWork takes a work subject apart.
func ParseWork(subject string) (*workv1.Work, error) {
	parts := strings.Split(subject, ".")
	if len(parts) != 4 || parts[0] != "work" {
		return nil, fmt.Errorf("subject %q, want work.<layer>.<kind>.<id>", subject)
	}
	return &workv1.Work{Layer: parts[1], Kind: parts[2], Id: parts[3]}, nil
}

// The stream of events.
const (
	EventStream = "EVENTS"
	AllEvents   = "event.>"
)

// Event is a kind of fact or progress, bound to the type of its message.
type Event[T proto.Message] struct{ prefix, entity, change string }

// Events.
var (
	JobChanged      = Event[*jobv1.JobChanged]{"event", "job", ""}
	FlowCreated     = Event[*mediastorev1.FlowChanged]{"event", "flow", "created"}
	FlowUpdated     = Event[*mediastorev1.FlowChanged]{"event", "flow", "updated"}
	FlowClosed      = Event[*mediastorev1.FlowChanged]{"event", "flow", "closed"}
	SegmentsAdded   = Event[*mediastorev1.FlowChanged]{"event", "flow", "segments_added"}
	FlowDeleted     = Event[*mediastorev1.FlowDeleted]{"event", "flow", "deleted"}
	SourceCreated   = Event[*mediastorev1.SourceChanged]{"event", "source", "created"}
	SourceUpdated   = Event[*mediastorev1.SourceChanged]{"event", "source", "updated"}
	JobProgressed   = Event[*jobv1.JobProgressed]{"progress", "job", ""}
	ChunkProgressed = Event[*readerv1.ChunkProgressed]{"progress", "reader", ""}
)

// Subject returns the event's subject for one entity.
func (e Event[T]) Subject(id string) string {
	if e.change == "" {
		return e.prefix + "." + e.entity + "." + token(id)
	}
	return e.prefix + "." + e.entity + "." + token(id) + "." + e.change
}

// Changed returns the subject of an event whose change is the entity's new state.
func (e Event[T]) Changed(id, state string) string { return e.Subject(id) + "." + token(state) }

// Wildcard matches the event for every entity.
func (e Event[T]) Wildcard() string {
	switch {
	case e.change != "":
		return e.prefix + "." + e.entity + ".*." + e.change
	case e.prefix == "progress":
		return e.prefix + "." + e.entity + ".*"
	default:
		return e.prefix + "." + e.entity + ".*.*"
	}
}

// New returns an empty message of the event's type.
func (e Event[T]) New() T {
	var zero T
	return zero.ProtoReflect().New().Interface().(T) //nolint:forcetypeassert // New returns the same type
}

// Row is one line of the table of subjects.
type Row struct{ Subject, Message, Stream string }

// Table lists every subject with its message and stream.
func Table() []Row {
	var rows []Row
	for _, layer := range Layers() {
		rows = append(rows, Row{layer.Work("<kind>", "<id>"), name(&workv1.Work{}), layer.Stream()})
	}
	return append(rows,
		Row{JobChanged.Changed("<id>", "<state>"), name(JobChanged.New()), EventStream},
		eventRow(FlowCreated), eventRow(FlowUpdated), eventRow(FlowClosed), eventRow(SegmentsAdded), eventRow(FlowDeleted),
		eventRow(SourceCreated), eventRow(SourceUpdated),
		Row{JobProgressed.Subject("<id>"), name(JobProgressed.New()), "-"},
		Row{ChunkProgressed.Subject("<id>"), name(ChunkProgressed.New()), "-"},
	)
}

func eventRow[T proto.Message](e Event[T]) Row {
	return Row{e.Subject("<id>"), name(e.New()), EventStream}
}

func name(m proto.Message) string { return string(proto.MessageName(m)) }

// token makes a text safe as one token of a subject: what NATS gives a meaning to
// becomes an underscore.
func token(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '.', '*', '>', ' ', '\t', '\r', '\n':
			if s == "<id>" || s == "<kind>" || s == "<state>" {
				return r
			}
			return '_'
		}
		return r
	}, s)
}
