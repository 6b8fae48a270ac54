package gsf

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
)

// Major versions. 7 has unsigned times and 16 more bytes per grain; 8 has signed
// times and flow blocks; 9 adds "unknown" to the key frame flag and the temporal
// offset of coded video.
const (
	Major7 uint16 = 7
	Major8 uint16 = 8
	Major9 uint16 = 9
)

// MediaType is the MIME type of GSF, and FileSuffix what its files end in.
const (
	MediaType  = "application/x-ips-gsf"
	FileSuffix = ".gsf"
)

// CountUnknown as the Count of a segment says that its number of grains is not
// known, because the file was streamed.
const CountUnknown int64 = -1

// Header is what stands before the grains.
type Header struct {
	Major    uint16 // 7, 8 or 9; 0 is written as 9.0
	Minor    uint16 // any is accepted
	ID       uuid.UUID
	Created  time.Time // UTC, whole seconds; the zero time if not given
	Segments []Segment
	Tags     []Tag // of the file
}

// Segment is one run of grains of one Flow within the file.
type Segment struct {
	LocalID uint16 // unique in the file, by custom from 1
	ID      uuid.UUID
	Count   int64      // number of grains, or CountUnknown
	Flow    *FlowBlock // since major 8, nil if absent
	Tags    []Tag
}

// FlowBlock describes the Flow of a segment.
type FlowBlock struct {
	SourceID uuid.UUID
	FlowID   uuid.UUID
	Format   string // at most 64 bytes, such as "urn:x-nmos:format:video"
	Document []byte // the NMOS Flow as JSON, kept as it is
}

// Tag is a key and its value, each at most 65,535 bytes.
type Tag struct {
	Key   string
	Value string
}

// Segment gives the segment with a local id, or nil.
func (h *Header) Segment(localID uint16) *Segment {
	for i := range h.Segments {
		if h.Segments[i].LocalID == localID {
			return &h.Segments[i]
		}
	}
	return nil
}

// Sizes in bytes.
const (
	headFixed     = blockHeader + uuidSize + dateSize
	segmFixed     = blockHeader + 2 + uuidSize + 8
	segmCount     = blockHeader + 2 + uuidSize // where in segm the count is
	flowFormat    = 64
	flowFixed     = blockHeader + 2*uuidSize + flowFormat + 4
	tagFixed      = blockHeader + 2 + 2
	terminatorLen = blockHeader
)

// supported returns ErrVersion for a major that is not known.
func supported(major uint16) error {
	if major < Major7 || major > Major9 {
		return fmt.Errorf("%w: major %d, want 7, 8 or 9", ErrVersion, major)
	}
	return nil
}

// parseHead fills h, whose version is known, from the head block.
func parseHead(b block, h *Header) error {
	if err := b.need(headFixed - blockHeader); err != nil {
		return err
	}
	created, err := parseDate(b, uuidSize)
	if err != nil {
		return err
	}
	copy(h.ID[:], b.body)
	h.Created = created
	seen := make(map[uint16]bool)
	for i := headFixed - blockHeader; i < len(b.body); {
		child, next, err := b.child(i)
		if err != nil {
			return err
		}
		i = next
		switch child.tag {
		case tagSegm:
			if err := h.addSegment(child, seen); err != nil {
				return err
			}
		case tagTag:
			t, err := parseTag(child)
			if err != nil {
				return err
			}
			h.Tags = append(h.Tags, t)
		default: // unknown
		}
	}
	return nil
}

func (h *Header) addSegment(b block, seen map[uint16]bool) error {
	s, err := parseSegment(b, h.Major)
	if err != nil {
		return err
	}
	if seen[s.LocalID] {
		return b.fault(0, fmt.Errorf("%w local id %d", ErrDuplicate, s.LocalID))
	}
	seen[s.LocalID] = true
	h.Segments = append(h.Segments, s)
	return nil
}

func parseSegment(b block, major uint16) (Segment, error) {
	var s Segment
	if err := b.need(segmFixed - blockHeader); err != nil {
		return s, err
	}
	s.LocalID = u16(b.body, 0)
	copy(s.ID[:], b.body[2:])
	s.Count = int64(binary.LittleEndian.Uint64(b.body[segmCount-blockHeader:]))
	for i := segmFixed - blockHeader; i < len(b.body); {
		child, next, err := b.child(i)
		if err != nil {
			return s, err
		}
		i = next
		switch {
		case child.tag == tagTag:
			t, err := parseTag(child)
			if err != nil {
				return s, err
			}
			s.Tags = append(s.Tags, t)
		// Major 7 has no flow block; one that is there is unknown to it.
		case child.tag == tagFlow && major > Major7:
			if s.Flow != nil {
				return s, child.fault(-blockHeader, fmt.Errorf("%w flow of local id %d", ErrDuplicate, s.LocalID))
			}
			if s.Flow, err = parseFlow(child); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

func parseFlow(b block) (*FlowBlock, error) {
	const fixed = flowFixed - blockHeader
	if err := b.need(fixed); err != nil {
		return nil, err
	}
	n := int64(u32(b.body, fixed-4))
	if n > int64(len(b.body)-fixed) {
		return nil, b.fault(fixed-4, fmt.Errorf("%w: document of %d bytes", ErrBlockSize, n))
	}
	f := &FlowBlock{Format: fixedString(b.body[2*uuidSize:2*uuidSize+flowFormat], "")}
	copy(f.SourceID[:], b.body)
	copy(f.FlowID[:], b.body[uuidSize:])
	f.Document = append(f.Document, b.body[fixed:fixed+int(n)]...)
	return f, nil
}

func parseTag(b block) (Tag, error) {
	key, next, err := varString(b, 0)
	if err != nil {
		return Tag{}, err
	}
	value, _, err := varString(b, next)
	return Tag{key, value}, err
}

func varString(b block, at int) (s string, next int, err error) {
	if err := b.need(at + 2); err != nil {
		return "", 0, err
	}
	n := int(u16(b.body, at))
	if err := b.need(at + 2 + n); err != nil {
		return "", 0, err
	}
	return string(b.body[at+2 : at+2+n]), at + 2 + n, nil
}

// HeaderSize gives the number of bytes that AppendHeader writes.
func HeaderSize(h *Header) int { return fileHeader + headSize(h) }

func headSize(h *Header) int {
	n := headFixed + tagsSize(h.Tags)
	for i := range h.Segments {
		n += segmentSize(&h.Segments[i])
	}
	return n
}

func segmentSize(s *Segment) int {
	n := segmFixed + tagsSize(s.Tags)
	if s.Flow != nil {
		n += flowFixed + len(s.Flow.Document)
	}
	return n
}

func tagsSize(tags []Tag) int {
	n := 0
	for _, t := range tags {
		n += tagFixed + len(t.Key) + len(t.Value)
	}
	return n
}

// AppendHeader appends the bytes that open a file: segments first, each with its
// flow before its tags, then the tags of the file. It returns dst as it was and
// ErrVersion, ErrDate, ErrDuplicate (local ids) or ErrTooLarge when h cannot be
// written.
func AppendHeader(dst []byte, h *Header) ([]byte, error) {
	major, minor := h.version()
	if err := h.check(major); err != nil {
		return dst, fmt.Errorf("gsf: write header: %w", err)
	}
	out := appendWords(dst, uint32(tagSSBB), uint32(tagGrsg))
	out = binary.LittleEndian.AppendUint16(out, major)
	out = binary.LittleEndian.AppendUint16(out, minor)
	out = appendBlock(out, tagHead, headSize(h))
	out = append(out, h.ID[:]...)
	out, err := appendDate(out, h.Created)
	if err != nil {
		return dst, fmt.Errorf("gsf: write header: %w", err)
	}
	for i := range h.Segments {
		out = appendSegment(out, &h.Segments[i])
	}
	return appendTags(out, h.Tags), nil
}

// version gives what is written: 9.0 unless h says otherwise.
func (h *Header) version() (major, minor uint16) {
	if h.Major == 0 {
		return Major9, 0
	}
	return h.Major, h.Minor
}

func (h *Header) check(major uint16) error {
	if err := supported(major); err != nil {
		return err
	}
	if size := headSize(h); size > math.MaxInt32 {
		return fmt.Errorf("head of %d bytes: %w", size, ErrTooLarge)
	}
	if err := checkTags(h.Tags); err != nil {
		return err
	}
	seen := make(map[uint16]bool, len(h.Segments))
	for i := range h.Segments {
		s := &h.Segments[i]
		if seen[s.LocalID] {
			return fmt.Errorf("%w local id %d", ErrDuplicate, s.LocalID)
		}
		seen[s.LocalID] = true
		if err := s.check(major); err != nil {
			return fmt.Errorf("segment %d: %w", s.LocalID, err)
		}
	}
	return nil
}

func (s *Segment) check(major uint16) error {
	if s.Flow != nil && major == Major7 {
		return fmt.Errorf("%w: major 7 has no flow block", ErrVersion)
	}
	if s.Flow != nil && len(s.Flow.Format) > flowFormat {
		return fmt.Errorf("format of %d bytes, at most %d: %w", len(s.Flow.Format), flowFormat, ErrTooLarge)
	}
	return checkTags(s.Tags)
}

func checkTags(tags []Tag) error {
	for _, t := range tags {
		if len(t.Key) > math.MaxUint16 || len(t.Value) > math.MaxUint16 {
			return fmt.Errorf("tag %.40q: key of %d and value of %d bytes: %w", t.Key, len(t.Key), len(t.Value), ErrTooLarge)
		}
	}
	return nil
}

func appendSegment(dst []byte, s *Segment) []byte {
	dst = appendBlock(dst, tagSegm, segmentSize(s))
	dst = binary.LittleEndian.AppendUint16(dst, s.LocalID)
	dst = append(dst, s.ID[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(s.Count))
	if f := s.Flow; f != nil {
		dst = appendBlock(dst, tagFlow, flowFixed+len(f.Document))
		dst = append(dst, f.SourceID[:]...)
		dst = append(dst, f.FlowID[:]...)
		dst = appendFixed(dst, f.Format, flowFormat)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(f.Document)))
		dst = append(dst, f.Document...)
	}
	return appendTags(dst, s.Tags)
}

func appendTags(dst []byte, tags []Tag) []byte {
	for _, t := range tags {
		dst = appendBlock(dst, tagTag, tagFixed+len(t.Key)+len(t.Value))
		dst = binary.LittleEndian.AppendUint16(dst, uint16(len(t.Key)))
		dst = append(dst, t.Key...)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(len(t.Value)))
		dst = append(dst, t.Value...)
	}
	return dst
}
