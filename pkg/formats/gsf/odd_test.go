package gsf_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/formats/formattest"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// changed is a file of sound with each grain changed.
func changed(n int, change func(i int, g *gsf.Grain)) *sequence {
	grains := sound(1, 1, n)
	for i := range grains {
		change(i, &grains[i])
	}
	return file(grains...)
}

// warns is a file whose bytes are changed, and what it is warned of.
func (s *sequence) warns(name string, change func([]byte) []byte, warnings ...string) formattest.File {
	f := s.test(name, s.track(1, 1))
	f.Make = func(t testing.TB) []byte { return change(s.bytes(t)) }
	f.Warnings = warnings
	return f
}

// oddFiles are unusual and valid.
func oddFiles() []formattest.File {
	s := file(sound(1, 1, 50)...)
	fill := append([]byte("fill\x10\x00\x00\x00"), make([]byte, 8)...)
	const firstGrain = 12 + 31 + 34
	list := []formattest.File{
		s.warns("no terminator", func(b []byte) []byte { return b[:len(b)-8] }, "no terminator"),
		s.warns("junk at the end", func(b []byte) []byte { return append(b, 1, 2, 3, 4) }, "junk"),
		s.warns("minor version", func(b []byte) []byte { b[10] = 5; return b }),
		s.warns("unknown blocks", func(b []byte) []byte { return slices.Insert(b, firstGrain, fill...) }),
		s.warns("another count", func(b []byte) []byte { b[69] = 51; return b }, "count differs"),
		s.warns("local id not declared", func(b []byte) []byte { b[43+8] = 9; return b }, "undeclared", "count differs", "segment 9 has no grains"),
		localZero(), foreignIDs(), gap(), variable(), jitter(), unknowns(), skipped(), farSync(), cutPicture(),
	}
	return slices.Concat(list, joined(), lengthless())
}

// joined are files one after the other.
func joined() []formattest.File {
	grains := sound(1, 1, 90)
	first, second := file(grains[:40]...).major(7), file(grains[40:]...)
	whole := file(grains...)
	other := file(pictures(2, 1, 30)...)
	continued := whole.test("joined, the same flow", whole.track(1, 1))
	continued.Make = func(t testing.TB) []byte { return slices.Concat(first.bytes(t), second.bytes(t)) }
	// Both call their segment 1, so the second's becomes the next free number.
	apart := whole.test("joined, other flows", whole.track(1, 1), other.track(2, 2))
	apart.Make = func(t testing.TB) []byte { return slices.Concat(whole.bytes(t), other.bytes(t)) }
	return []formattest.File{continued, apart}
}

func localZero() formattest.File {
	s := file(sound(1, 0, 10)...)
	return s.test("local id 0", s.track(1, 1))
}

// foreignIDs has ids that TAMS does not take.
func foreignIDs() formattest.File {
	s := changed(10, func(_ int, g *gsf.Grain) { g.FlowID, g.SourceID = uuid.UUID{9, 6: 0x7a, 8: 0x8b}, uuid.Nil })
	track := file(sound(1, 1, 10)...).track(1, 1)
	f := s.test("ids of other versions", track)
	f.Warnings = []string{"source id", "flow id"}
	f.Check = func(t *testing.T, a *formats.Analysis) {
		t.Helper()
		require.Equal(t, uuid.Nil, a.Tracks[0].GivenFlow)
		require.Equal(t, uuid.Nil, a.Tracks[0].GivenSource)
	}
	return f
}

// gap leaves out a second: two segments, whatever the sizes.
func gap() formattest.File {
	s := changed(60, func(i int, g *gsf.Grain) {
		if i >= 30 {
			g.Origin += mediatime.Second
		}
	})
	track := s.track(1, 1)
	track.Gaps = true
	return s.test("gap", track)
}

// variable has no rate; each grain says how long it is.
func variable() formattest.File {
	at := start + 5
	s := changed(60, func(i int, g *gsf.Grain) {
		length := mediatime.Time(10+i%7) * mediatime.Millisecond
		g.Origin, g.Rate, g.Duration = at, gsf.Rational{}, gsf.Rational{Num: uint32(10 + i%7), Den: 1000}
		at += length
	})
	track := s.track(1, 1)
	track.Range.End, track.OwnTimes = at, true
	f := s.test("variable rate", track)
	f.Check = func(t *testing.T, a *formats.Analysis) {
		t.Helper()
		require.True(t, a.Tracks[0].Flow.GrainRate.IsZero())
	}
	return f
}

// jitter has times that are off by some microseconds; grains are then as long as it
// is until the next.
func jitter() formattest.File {
	s := changed(60, func(i int, g *gsf.Grain) { g.Origin += mediatime.Time(i%5)*7*mediatime.Microsecond + 3 })
	track := s.track(1, 1)
	track.OwnTimes = true
	return s.test("jitter", track)
}

// lengthless says nothing of rate or duration: sound is as long as its samples, and
// pictures until the next.
func lengthless() []formattest.File {
	s := changed(20, func(_ int, g *gsf.Grain) { g.Rate, g.Duration = gsf.Rational{}, gsf.Rational{} })
	audio := s.track(1, 1)
	audio.Range.End, audio.OwnTimes = s.grains[19].Origin+40*mediatime.Millisecond, true
	v := file(pictures(1, 1, 20)...)
	for i := range v.grains {
		v.grains[i].Rate, v.grains[i].Duration = gsf.Rational{}, gsf.Rational{}
	}
	video := v.track(1, 1)
	video.Range.End, video.OwnTimes = v.grains[19].Origin+1, true
	return []formattest.File{s.test("sound without rate", audio), v.test("pictures without rate", video)}
}

// unknowns does not say which pictures are key frames, nor in which order they are
// displayed, in major 8 and by the numbers of major 9.
func unknowns() formattest.File {
	s := file(film(1, 1, "I0", 40)...).major(8)
	for i := range s.grains {
		s.grains[i].CodedVideo.KeyFrame, s.grains[i].CodedVideo.TemporalOffset = gsf.KeyFrameUnknown, gsf.TemporalOffsetUnknown
	}
	f := s.test("nothing known of pictures", s.track(1, 1))
	return f
}

// cutPicture is one picture of a stream, which was displayed before others that the
// file does not have.
func cutPicture() formattest.File {
	s := file(film(1, 1, "I0", 1)...).major(7)
	s.grains[0].CodedVideo.TemporalOffset = -3
	return s.test("a picture cut from a stream", s.track(1, 1))
}

// skipped has a segment of empty grains beside one of sound.
func skipped() formattest.File {
	empty := run(2, 2, 20, rate(25, 1), func(int, *gsf.Grain) {})
	s := file(woven(sound(1, 1, 50), empty)...)
	f := s.test("empty grains beside sound", s.track(1, 1), formattest.Track{Number: 2, Skipped: "empty"})
	f.Check = func(t *testing.T, a *formats.Analysis) {
		t.Helper()
		require.Equal(t, media.FormatAudio, a.Tracks[0].Flow.Format)
	}
	return f
}

func farSync() formattest.File {
	s := changed(10, func(_ int, g *gsf.Grain) { g.FarSync = gsf.WireTime{Seconds: 1 << 47} })
	f := s.test("sync times far off", s.track(1, 1))
	f.Warnings = []string{"sync time"}
	return f
}
