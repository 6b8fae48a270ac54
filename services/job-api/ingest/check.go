package ingest

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/urlguard"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// Bounds of what a request may hold.
const (
	maxURL   = 8192
	maxLabel = 1024
	maxKey   = 256
	maxTags  = 100
	maxTag   = 4096 // bytes of a name and its values
)

// check says whether a request makes sense, and which format it names ("any" if it
// leaves that to the analyser).
func (o *Jobs) check(request *jobv1.CreateJobRequest) (kind string, err error) {
	spec := request.GetSpec()
	if spec == nil {
		return "", fault.New(fault.InvalidArgument, "spec is missing, want at least spec.url")
	}
	if err := checkText("idempotency_key", request.GetIdempotencyKey(), maxKey); err != nil {
		return "", err
	}
	if err := checkText("spec.label", spec.GetLabel(), maxLabel); err != nil {
		return "", err
	}
	for _, check := range []func(*jobv1.IngestSpec) error{checkURL, checkTracks, checkRange, checkOrigin, checkTags} {
		if err := check(spec); err != nil {
			return "", err
		}
	}
	return o.kind(spec.GetMimeType())
}

// checkText bounds a text that is kept in a column, which cannot hold a zero byte.
func checkText(field, text string, most int) error {
	if len(text) > most {
		return fault.Newf(fault.InvalidArgument, "%s has %d bytes, at most %d are taken", field, len(text), most)
	}
	if strings.ContainsRune(text, 0) {
		return fault.Newf(fault.InvalidArgument, "%s holds a zero byte", field)
	}
	return nil
}

func (o *Jobs) kind(mimeType string) (string, error) {
	if mimeType == "" {
		return formats.Any, nil
	}
	format, err := o.formats.ByMIMEType(mimeType)
	if err != nil {
		return "", err
	}
	return format.Name(), nil
}

func checkURL(spec *jobv1.IngestSpec) error {
	if spec.GetUrl() == "" {
		return fault.New(fault.InvalidArgument, "spec.url is empty, want an http, https or s3 URL")
	}
	if len(spec.GetUrl()) > maxURL {
		return fault.Newf(fault.InvalidArgument, "spec.url has %d bytes, at most %d are taken", len(spec.GetUrl()), maxURL)
	}
	u, err := url.Parse(spec.GetUrl())
	if err != nil {
		// Not quoted: what cannot be read cannot be rid of its secrets either.
		return fault.New(fault.InvalidArgument, "spec.url cannot be read, want an http, https or s3 URL")
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https", "s3":
	default:
		return fault.Newf(fault.InvalidArgument, "spec.url has scheme %q, want http, https or s3", u.Scheme)
	}
	if u.Host == "" {
		return fault.Newf(fault.InvalidArgument, "spec.url %q names no host", urlguard.Redact(u))
	}
	return nil
}

func checkTracks(spec *jobv1.IngestSpec) error {
	seen := map[int32]bool{}
	for _, number := range spec.GetTracks() {
		if number <= 0 || seen[number] {
			return fault.Newf(fault.InvalidArgument, "spec.tracks names track %d, want different numbers from 1", number)
		}
		seen[number] = true
	}
	for field, ids := range map[string]map[int32]string{"flow_ids": spec.GetFlowIds(), "source_ids": spec.GetSourceIds()} {
		for number, text := range ids {
			id, err := uuid.Parse(text)
			// TAMS' pattern takes versions 1 to 5 only.
			if err != nil || text != id.String() || id.Version() < 1 || id.Version() > 5 || id.Variant() != uuid.RFC4122 {
				return fault.Newf(fault.InvalidArgument, "spec.%s[%d] is %q, want a lower-case UUID of version 1 to 5", field, number, text)
			}
		}
	}
	return nil
}

func checkRange(spec *jobv1.IngestSpec) error {
	if spec.GetTimerange() == "" {
		return nil
	}
	r, err := mediatime.ParseRange(spec.GetTimerange())
	if err != nil {
		return timeFault("spec.timerange", err)
	}
	if r.IsEmpty() {
		return fault.Newf(fault.InvalidArgument, "spec.timerange %q holds no time", spec.GetTimerange())
	}
	return nil
}

// timeFault tells a time beyond what is kept from a text that is no time.
func timeFault(field string, err error) error {
	code := fault.InvalidArgument
	if errors.Is(err, mediatime.ErrOutOfRange) {
		code = fault.TimeOutOfRange
	}
	return fault.Newf(code, "%s: %w", field, err)
}

func checkOrigin(spec *jobv1.IngestSpec) error {
	origin := spec.GetOrigin()
	switch origin.GetKind() {
	case jobv1.OriginKind_ORIGIN_KIND_TIMECODE:
		if origin.GetDate() == "" {
			return nil
		}
		if _, err := time.Parse(time.DateOnly, origin.GetDate()); err != nil {
			return fault.Newf(fault.InvalidArgument, "spec.origin.date is %q, want YYYY-MM-DD", origin.GetDate())
		}
	case jobv1.OriginKind_ORIGIN_KIND_EXPLICIT:
		if _, err := mediatime.Parse(origin.GetTime()); err != nil {
			return timeFault("spec.origin.time", err)
		}
	default:
	}
	return nil
}

// checkTags bounds what goes into every event of the job and its Flows.
func checkTags(spec *jobv1.IngestSpec) error {
	if len(spec.GetTags()) > maxTags {
		return fault.Newf(fault.InvalidArgument, "spec.tags has %d tags, at most %d are taken", len(spec.GetTags()), maxTags)
	}
	for name, values := range spec.GetTags() {
		size, zero := len(name), strings.ContainsRune(name, 0)
		for _, value := range values.GetValues() {
			size += len(value)
			zero = zero || strings.ContainsRune(value, 0)
		}
		if zero {
			return fault.Newf(fault.InvalidArgument, "tag %.40q holds a zero byte", name)
		}
		if name == "" || size > maxTag {
			return fault.Newf(fault.InvalidArgument, "tag %.40q has %d bytes with its values, want 1 to %d and a name", name, size, maxTag)
		}
	}
	return nil
}
