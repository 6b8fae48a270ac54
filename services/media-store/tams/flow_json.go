package tams

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// tags are TAMS': a name has one text or several.
type tags media.Tags

// MarshalJSON implements json.Marshaler.
func (t tags) MarshalJSON() ([]byte, error) {
	out := make(map[string]any, len(t))
	for name, values := range t {
		out[name] = tagValue(values)
	}
	return json.Marshal(out)
}

// tagValue writes a single value as a text.
func tagValue(values []string) any {
	if len(values) == 1 {
		return values[0]
	}
	return values
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *tags) UnmarshalJSON(b []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	*t = make(tags, len(raw))
	for name, value := range raw {
		values, err := parseTagValue(value)
		if err != nil {
			return fmt.Errorf("tag %q: %w", name, err)
		}
		(*t)[name] = values
	}
	return nil
}

func parseTagValue(b []byte) ([]string, error) {
	var one string
	if err := json.Unmarshal(b, &one); err == nil {
		return []string{one}, nil
	}
	var many []string
	if err := json.Unmarshal(b, &many); err != nil || many == nil {
		return nil, fault.New(fault.InvalidArgument, "a tag is neither a text nor a list of texts")
	}
	return many, nil
}

// collectionItem is one of schemas/collection-item.json.
type collectionItem struct {
	ID      string          `json:"id"`
	Role    string          `json:"role,omitempty"`
	Mapping json.RawMessage `json:"container_mapping,omitempty"`
}

// flowIn is what is read of a Flow that a client puts (schemas/flow.json). What it
// leaves out is kept in the Flow's document.
type flowIn struct {
	ID          string           `json:"id"`
	SourceID    string           `json:"source_id"`
	Format      media.Format     `json:"format"`
	Codec       string           `json:"codec"`
	Container   string           `json:"container"`
	Label       string           `json:"label"`
	Description string           `json:"description"`
	Tags        tags             `json:"tags"`
	Status      media.Status     `json:"status"`
	ReadOnly    bool             `json:"read_only"`
	AvgBitRate  int64            `json:"avg_bit_rate"`
	MaxBitRate  int64            `json:"max_bit_rate"`
	ProfileID   string           `json:"profile_id"`
	Collection  []collectionItem `json:"flow_collection"`
	Essence     json.RawMessage  `json:"essence_parameters"`
}

// ownFields are those that have a column of their own, or that the server manages;
// all others go into the document.
var ownFields = []string{
	"id", "source_id", "format", "codec", "container", "label", "description", "tags", "status", "read_only",
	"avg_bit_rate", "max_bit_rate", "flow_collection", "timerange", "created", "created_by", "updated_by",
	"metadata_updated", "segments_updated", "collected_by", "metadata_version", "profile_id",
}

// parseFlow reads a Flow and what of it has no field of its own.
func parseFlow(body []byte) (*flowIn, json.RawMessage, error) {
	in := &flowIn{}
	document := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, in); err != nil {
		return nil, nil, fault.Newf(fault.Malformed, "the body is not a flow: %w", err)
	}
	if err := json.Unmarshal(body, &document); err != nil {
		return nil, nil, fault.Newf(fault.Malformed, "the body is not a flow: %w", err)
	}
	for _, name := range ownFields {
		delete(document, name)
	}
	kept, err := json.Marshal(document)
	if err != nil {
		return nil, nil, fmt.Errorf("keep what is left of a flow: %w", err)
	}
	err = in.check()
	return in, kept, err
}

func (in *flowIn) check() error {
	if in.ProfileID != "" {
		return fault.Newf(fault.InvalidArgument, "profile_id is %q; this service has no profiles", in.ProfileID)
	}
	switch in.Status {
	case "", media.StatusAwaiting, media.StatusIngesting, media.StatusReplicate, media.StatusComplete:
	default:
		return fault.Newf(fault.InvalidArgument, "status is %q, want one such as %s", in.Status, media.StatusComplete)
	}
	if in.Format == media.FormatMulti {
		return nil
	}
	if in.Codec == "" || len(in.Essence) == 0 {
		return fault.Newf(fault.InvalidArgument, "a flow of the format %q needs codec and essence_parameters", in.Format)
	}
	return nil
}

// apply writes what the client said into a Flow. Parameters that TAMS does not know
// stay as they are.
func (in *flowIn) apply(f *store.Flow, document json.RawMessage) error {
	f.Codec, f.Container, f.Label, f.Description = in.Codec, in.Container, in.Label, in.Description
	f.Tags, f.Status, f.ReadOnly = media.Tags(in.Tags), in.Status, in.ReadOnly
	f.AvgBitRate, f.MaxBitRate, f.Document = in.AvgBitRate, in.MaxBitRate, document
	if err := setCollection(f, in.Collection); err != nil {
		return err
	}
	return setEssence(f, in.Essence)
}

func setCollection(f *store.Flow, items []collectionItem) error {
	f.Collection, f.Mappings = nil, nil
	for _, item := range items {
		id, err := parseID(item.ID)
		if err != nil {
			return fmt.Errorf("flow_collection: %w", err)
		}
		f.Collection = append(f.Collection, media.Member{FlowID: id, Role: item.Role})
		f.Mappings = append(f.Mappings, item.Mapping)
	}
	return nil
}

func collectionOf(f *store.Flow) []collectionItem {
	items := make([]collectionItem, len(f.Collection))
	for i, m := range f.Collection {
		items[i] = collectionItem{ID: m.FlowID.String(), Role: m.Role}
		if i < len(f.Mappings) && string(f.Mappings[i]) != "null" {
			items[i].Mapping = f.Mappings[i]
		}
	}
	return items
}

// flowJSON writes a Flow as schemas/flow.json has it; withRange adds what is stored.
func flowJSON(f *store.Flow, within *mediatime.Range, withRange bool) (map[string]any, error) {
	out := map[string]any{}
	if err := json.Unmarshal(f.Document, &out); err != nil {
		return nil, fmt.Errorf("document of flow %s: %w", f.ID, err)
	}
	if _, given := out["essence_parameters"]; !given {
		setIf(out, "essence_parameters", essenceJSON(f))
	}
	out["id"], out["source_id"], out["format"] = f.ID, f.SourceID, f.Format
	setText(out, "codec", f.Codec)
	setText(out, "container", f.Container)
	setText(out, "label", f.Label)
	setText(out, "description", f.Description)
	setText(out, "status", string(f.Status))
	setText(out, "created_by", f.CreatedBy)
	setText(out, "updated_by", f.UpdatedBy)
	out["tags"] = tags(f.Tags)
	out["read_only"] = f.ReadOnly
	setNumber(out, "avg_bit_rate", f.AvgBitRate)
	setNumber(out, "max_bit_rate", f.MaxBitRate)
	out["created"], out["metadata_updated"] = dateOf(f.Created), dateOf(f.Updated)
	out["metadata_version"] = strconv.FormatInt(f.Updated.UnixMicro(), 10)
	if !f.SegmentsUpdated.IsZero() {
		out["segments_updated"] = dateOf(f.SegmentsUpdated)
	}
	if len(f.Collection) > 0 {
		out["flow_collection"] = collectionOf(f)
	}
	if len(f.CollectedBy) > 0 {
		out["collected_by"] = f.CollectedBy
	}
	if withRange {
		stored := f.Timerange
		if within != nil {
			stored = stored.Intersect(*within)
		}
		out["timerange"] = stored
	}
	return out, nil
}

func dateOf(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func setText(out map[string]any, name, value string) {
	if value != "" {
		out[name] = value
	}
}

func setNumber[N int | int64](out map[string]any, name string, value N) {
	if value != 0 {
		out[name] = value
	}
}

func setIf(out map[string]any, name string, value map[string]any) {
	if value != nil {
		out[name] = value
	}
}

// sourceJSON writes a Source as schemas/source.json has it.
func sourceJSON(s *store.Source) map[string]any {
	out := map[string]any{
		"id": s.ID, "format": s.Format, "tags": tags(s.Tags), "created": dateOf(s.Created), "updated": dateOf(s.Updated),
	}
	setText(out, "label", s.Label)
	setText(out, "description", s.Description)
	setText(out, "created_by", s.CreatedBy)
	setText(out, "updated_by", s.UpdatedBy)
	if len(s.Collection) > 0 {
		items := make([]collectionItem, len(s.Collection))
		for i, m := range s.Collection {
			items[i] = collectionItem{ID: m.ID.String(), Role: m.Role}
		}
		out["source_collection"] = items
	}
	if len(s.CollectedBy) > 0 {
		out["collected_by"] = s.CollectedBy
	}
	return out
}

// idOf reads an id that must be the one in the path, if it is given at all.
func idOf(field, text string, path uuid.UUID) error {
	if text != path.String() {
		return fault.Newf(fault.InvalidArgument, "%s is %q, the path names %s", field, text, path)
	}
	return nil
}
