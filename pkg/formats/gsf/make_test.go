package gsf_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/formats/formattest"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// sequence is a file that is made.
type sequence struct {
	header gsf.Header
	grains []gsf.Grain
}

// Flows and Sources are told apart by a number.
func flowID(n byte) uuid.UUID   { return uuid.UUID{0xf0, n, 6: 0x4a, 8: 0x8b, 15: n} }
func sourceID(n byte) uuid.UUID { return uuid.UUID{0x50, n, 6: 0x4a, 8: 0x8b, 15: n} }

// start is when most grains start: on the places of the usual rates.
const start = 1_700_000_000 * mediatime.Second

// file makes a file of grains, whose segments are those that the grains name.
func file(grains ...gsf.Grain) *sequence {
	s := &sequence{grains: grains, header: gsf.Header{
		ID: uuid.UUID{1, 6: 0x4a, 8: 0x8b}, Created: time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC),
	}}
	counts := map[uint16]int64{}
	for i := range grains {
		counts[grains[i].LocalID]++
	}
	for i := range grains {
		if id := grains[i].LocalID; s.header.Segment(id) == nil {
			s.header.Segments = append(s.header.Segments, gsf.Segment{LocalID: id, ID: uuid.UUID{byte(id), 6: 0x4a, 8: 0x8b}, Count: counts[id]})
		}
	}
	return s
}

// major sets the version.
func (s *sequence) major(n uint16) *sequence {
	s.header.Major = n
	return s
}

// bytes writes the file.
func (s *sequence) bytes(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := gsf.NewWriter(struct{ *bytes.Buffer }{&out}, &s.header)
	require.NoError(t, err)
	for i := range s.grains {
		_, err := w.WriteGrain(&s.grains[i])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

// track is what is to be found of one Flow.
func (s *sequence) track(number int, flow byte) formattest.Track {
	t := formattest.Track{Number: number}
	for i := range s.grains {
		g := &s.grains[i]
		if g.FlowID != flowID(flow) {
			continue
		}
		t.Grains++
		t.Payload = append(t.Payload, g.Data...)
		if t.Grains == 1 {
			t.Range.Start = g.Origin
			t.Origin = g.Origin
		}
		t.Range.End = g.Origin + g.Rate.Rate().Offset(1)
		if rate := g.Rate.Rate(); !rate.IsZero() && rate.Offset(rate.Index(g.Origin)) == g.Origin {
			t.Origin = 0
			t.Range.End = rate.Offset(rate.Index(g.Origin) + 1)
		}
	}
	return t
}

// test is the file as one of the suite's.
func (s *sequence) test(name string, tracks ...formattest.Track) formattest.File {
	return formattest.File{Name: name, Make: s.bytes, Tracks: tracks}
}

// essence is as random as it is the same each time.
func essence(n int, seed int) []byte {
	source := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(n)})
	b := make([]byte, n)
	_, _ = source.Read(b)
	return b
}

// run makes grains of a constant rate; each changes one as it likes.
func run(flow byte, localID uint16, n int, rate mediatime.Rate, change func(i int, g *gsf.Grain)) []gsf.Grain {
	grains := make([]gsf.Grain, n)
	first := rate.Index(start)
	for i := range grains {
		grains[i] = gsf.Grain{
			LocalID: localID, SourceID: sourceID(flow), FlowID: flowID(flow),
			Origin: rate.Offset(first + int64(i)), Sync: rate.Offset(first + int64(i)),
			Rate: gsf.Rational{Num: uint32(rate.Num), Den: uint32(rate.Den)}, Duration: gsf.Rational{Num: uint32(rate.Den), Den: uint32(rate.Num)},
		}
		change(i, &grains[i])
	}
	return grains
}

func rate(num, den int64) mediatime.Rate { return mediatime.NewRate(num, den) }

// sound is raw audio: two channels of 16 bits, 25 grains per second of few samples.
func sound(flow byte, localID uint16, n int) []gsf.Grain {
	return run(flow, localID, n, rate(25, 1), func(i int, g *gsf.Grain) {
		g.Kind = gsf.KindAudio
		g.Audio = gsf.Audio{Format: gsf.AudioS16Interleaved, Channels: 2, Samples: 40, SampleRate: 1000}
		g.Data = essence(160, i)
	})
}

// pictures are raw video at 29.97 frames per second, with time labels.
func pictures(flow byte, localID uint16, n int) []gsf.Grain {
	return run(flow, localID, n, rate(30000, 1001), func(i int, g *gsf.Grain) {
		g.Kind = gsf.KindVideo
		components, _ := gsf.FrameS16x422x10.Components(32, 8)
		g.Video = gsf.Video{Format: gsf.FrameS16x422x10, Width: 32, Height: 8, SourceAspect: gsf.Rational{Num: 16, Den: 9}, Components: components}
		g.Labels = []gsf.TimeLabel{{Name: "ltc", Frames: uint32(107892 + i), Rate: g.Rate, DropFrame: true}}
		g.Data = essence(int(gsf.DataSize(components)), i)
	})
}

// film is coded video at 25 frames per second. A GOP is what its letters say in
// decode order, with the place of display behind each: "I0P3B1B2" is closed,
// "I2B0B1" open.
func film(flow byte, localID uint16, gop string, gops int) []gsf.Grain {
	size := len(gop) / 2
	return run(flow, localID, gops*size, rate(25, 1), func(i int, g *gsf.Grain) {
		letter, place := gop[i%size*2], int(gop[i%size*2+1]-'0')
		g.Kind = gsf.KindCodedVideo
		g.CodedVideo = gsf.CodedVideo{
			Format: gsf.FrameH264, OriginWidth: 1920, OriginHeight: 1080, CodedWidth: 1920, CodedHeight: 1088,
			TemporalOffset: int32(place - i%size), UnitOffsets: []uint32{0, 6, uint32(20 + i)},
		}
		g.Data = essence(200+i%7, i)
		if letter == 'I' {
			g.CodedVideo.KeyFrame = gsf.KeyFrameYes
			g.Data = essence(1500, i)
		}
	})
}

// events are data at no constant rate.
func events(flow byte, localID uint16, n int) []gsf.Grain {
	return run(flow, localID, n, rate(25, 1), func(i int, g *gsf.Grain) {
		g.Kind = gsf.KindEvent
		g.Origin += mediatime.Time(i*i) * mediatime.Second
		g.Rate = gsf.Rational{}
		g.Data = []byte(`{"type": "urn:x", "topic": "/", "data": []}`)
	})
}

// woven puts grains of several Flows into the order of their times.
func woven(lists ...[]gsf.Grain) []gsf.Grain {
	var out []gsf.Grain
	for {
		earliest := -1
		for i, list := range lists {
			if len(list) > 0 && (earliest < 0 || list[0].Origin < lists[earliest][0].Origin) {
				earliest = i
			}
		}
		if earliest < 0 {
			return out
		}
		out = append(out, lists[earliest][0])
		lists[earliest] = lists[earliest][1:]
	}
}
