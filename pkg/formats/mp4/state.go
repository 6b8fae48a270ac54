package mp4

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/grainmesh/grainmesh/pkg/isobmff"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/pcm"
)

// chunkState is what Plan tells Read of one chunk: a JSON head, and behind it
// the samples of each object in a packed form.
type chunkState struct{ Tracks []chunkTrack }

type chunkTrack struct {
	trackState
	Shift  mediatime.Time
	Layout pcm.Layout

	objects []object
}

var errState = errors.New("the chunk's state is not one that this format wrote")

func (s *chunkState) pack() ([]byte, error) {
	head, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("writing a chunk's state: %w", err)
	}
	b := append(binary.AppendUvarint(nil, uint64(len(head))), head...)
	for i := range s.Tracks {
		t := &s.Tracks[i]
		b = binary.AppendUvarint(b, uint64(len(t.objects)))
		var last isobmff.Sample
		for k := range t.objects {
			b = t.objects[k].append(b, &last)
		}
	}
	return b, nil
}

// append writes the object; last is the sample before its first.
func (o *object) append(b []byte, last *isobmff.Sample) []byte {
	for _, v := range [...]int64{int64(o.Segment.Start), int64(o.Segment.Length()), o.First, o.After} {
		b = binary.AppendVarint(b, v)
	}
	b = binary.AppendUvarint(b, uint64(len(o.Samples)))
	for _, s := range o.Samples {
		b = binary.AppendVarint(b, s.Offset-last.End())
		b = binary.AppendUvarint(b, uint64(s.Size))
		b = binary.AppendVarint(b, s.PTS-last.PTS)
		b = binary.AppendVarint(b, int64(s.Duration)-int64(last.Duration))
		flags := uint64(s.Description) << 1
		if s.Sync {
			flags |= 1
		}
		b = binary.AppendUvarint(b, flags)
		*last = s
	}
	b = binary.AppendUvarint(b, uint64(len(o.Spans)))
	for _, s := range o.Spans {
		for _, v := range [...]int64{s.Offset, s.First, s.Count, int64(s.Description)} {
			b = binary.AppendVarint(b, v)
		}
	}
	return b
}

func unpackChunk(b []byte) (*chunkState, error) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, errState
	}
	var s chunkState
	if err := json.Unmarshal(b[n:n+int(size)], &s); err != nil {
		return nil, fmt.Errorf("%w: %w", errState, err)
	}
	r := stateReader{b: b[n+int(size):]}
	for i := range s.Tracks {
		t := &s.Tracks[i]
		var last isobmff.Sample
		for count := r.count(); count > 0 && !r.bad; count-- {
			t.objects = append(t.objects, r.object(&last))
		}
	}
	if r.bad {
		return nil, errState
	}
	return &s, nil
}

type stateReader struct {
	b   []byte
	bad bool
}

func (r *stateReader) signed() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *stateReader) unsigned() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count reads how many records follow, each of several bytes.
func (r *stateReader) count() uint64 {
	v := r.unsigned()
	if v > uint64(len(r.b)) {
		r.bad = true
		return 0
	}
	return v
}

func (r *stateReader) object(last *isobmff.Sample) object {
	start, length := mediatime.Time(r.signed()), mediatime.Time(r.signed())
	o := object{Segment: mediatime.NewRange(start, start+length), First: r.signed(), After: r.signed()}
	samples := r.count()
	o.Samples = make([]isobmff.Sample, 0, samples)
	for range samples {
		s := isobmff.Sample{Offset: last.End() + r.signed(), Size: uint32(r.unsigned())}
		s.PTS = last.PTS + r.signed()
		s.Duration = uint32(int64(last.Duration) + r.signed())
		flags := r.unsigned()
		s.Description, s.Sync = int(flags>>1&0xffff), flags&1 == 1
		o.Samples = append(o.Samples, s)
		*last = s
	}
	for count := r.count(); count > 0 && !r.bad; count-- {
		s := isobmff.Span{Offset: r.signed(), First: r.signed(), Count: r.signed(), Description: int(r.signed())}
		o.Spans = append(o.Spans, s)
		o.Count += s.Count
	}
	return o
}
