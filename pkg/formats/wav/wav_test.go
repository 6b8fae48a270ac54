package wav_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/formats/formattest"
	"github.com/grainmesh/grainmesh/pkg/formats/wav"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	formattest.Run(t, formattest.Suite{Format: wav.Format{}, Files: files(), Broken: broken()})
}

func files() []formattest.File {
	list := []formattest.File{
		essence{tag: 1, rate: 44100, channels: 1, bits: 8, frames: 13231}.plain("8 bit mono, odd number of bytes"),
		essence{tag: 1, rate: 48000, channels: 2, bits: 16, frames: 24000}.plain("16 bit stereo"),
		essence{tag: 1, rate: 96000, channels: 3, bits: 24, valid: 20, frames: 20001}.plain("20 bit in 24, three channels, extensible"),
		essence{tag: 1, rate: 48000, channels: 16, bits: 24, frames: 5000}.plain("24 bit, 16 channels"),
		essence{tag: 1, rate: 37800, channels: 1, bits: 32, valid: 32, frames: 20000}.plain("32 bit at 37.8 kHz"),
		essence{tag: 1, rate: 22050, channels: 1, bits: 12, frames: 9000}.plain("12 bit"),
		essence{tag: 3, rate: 11025, channels: 2, bits: 32, frames: 11025}.plain("float at 11.025 kHz"),
		essence{tag: 3, rate: 44100, channels: 1, bits: 64, valid: 64, frames: 11111}.plain("double"),
		essence{tag: 1, rate: 44101, channels: 1, bits: 16, frames: 30000}.plain("a rate that no grain divides"),
		essence{tag: 1, rate: 7, channels: 1, bits: 16, frames: 3000}.plain("7 Hz"),
		cd(1764).plain("one grain"),
		cd(1765).plain("one grain and one sample"),
		cd(1).plain("one sample"),
		broadcast(),
		film(),
	}
	return append(list, layouts()...)
}

// layouts are files of unusual build.
func layouts() []formattest.File {
	e := cd(9000)
	size := int64(len(e.samples()))
	return []formattest.File{
		e.file("RF64", form("RF64", math.MaxUint32, ds64(size, 9000), e.fmt(), claims("data", math.MaxUint32, e.samples()))),
		e.file("BW64", form("BW64", math.MaxUint32, ds64(size, 9000), e.fmt(), claims("data", math.MaxUint32, e.samples()), chunk("axml", []byte("<x/>")))),
		e.file("RF64 of a small size", form("RF64", math.MaxUint32, ds64(size, 9000), e.fmt(), e.data())),
		e.file("streamed", form("RIFF", math.MaxUint32, e.fmt(), claims("data", math.MaxUint32, e.samples())), "as of a stream"),
		e.file("never finished", form("RIFF", 0, e.fmt(), claims("data", 0, e.samples())), "as of a stream"),
		e.file("chunks around", riff(chunk("JUNK", make([]byte, 29)), e.fmt(), chunk("LIST", []byte("INFOabc")), e.data(), chunk("id3 ", []byte("x")))),
		e.file("half a sample at the end", riff(e.fmt(), chunk("data", e.samples(), []byte{1, 2, 3})), "the last 3 bytes"),
		e.file("fmt after data", riff(e.data(), e.fmt())),
		e.file("two of everything", riff(e.fmt(), e.data(), essence{tag: 7}.fmt(), chunk("data", []byte("ab"))), `second chunk "fmt "`, `second chunk "data"`),
		e.file("padded with zeros", cat(riff(e.fmt(), e.data()), make([]byte, 20000))),
		e.file("a tail that is cut off", cat(riff(e.fmt(), e.data()), claims("LIST", 5000, []byte("INFO")))),
		e.file("header of the wrong size", form("RIFF", 77, e.fmt(), e.data())),
		e.file("time reference that overflows", riff(bext("", "", "", -1), e.fmt(), e.data()), "time reference"),
	}
}

func broadcast() formattest.File {
	e := essence{tag: 1, rate: 48000, channels: 1, bits: 24, frames: 9600}
	f := e.file("BWF", riff(bext("Take 3 \xe9", "2024-02-29", "23:59:58", 36000*48000+1920*12+7), e.fmt(), e.data()))
	f.Check = func(t *testing.T, a *formats.Analysis) {
		t.Helper()
		flow := a.Tracks[0].Flow
		require.Equal(t, time.Date(2024, 2, 29, 23, 59, 58, 0, time.UTC).UnixNano(), a.CreationTime)
		require.Equal(t, "10:00:00:12", flow.StartTimecode)
		require.Equal(t, []string{"1728023047"}, flow.Tags["source_time_reference"])
		require.Equal(t, "Take 3", flow.Label)
	}
	return f
}

// film is ten hours of 16 channels, 83 GB, of which only the header is read.
func film() formattest.File {
	e := essence{tag: 1, rate: 48000, channels: 16, bits: 24, frames: 36000 * 48000}
	size := int64(e.frames) * 48
	header := form("RF64", math.MaxUint32, ds64(size, int64(e.frames)), e.fmt(), claims("data", math.MaxUint32, nil))
	return formattest.File{
		Name: "83 GB", Unread: true,
		Open: func(testing.TB) *formattest.Input {
			return formattest.NewInputAt(hole(header), size+int64(len(header)))
		},
		Tracks: []formattest.Track{{Number: 1, Grains: 36000 * 25, Range: mediatime.NewRange(0, 36000*mediatime.Second)}},
	}
}

func broken() []formattest.Broken {
	e := cd(9000)
	size := int64(len(e.samples()))
	is := func(name string, code fault.Code, b []byte, says ...string) formattest.Broken {
		return formattest.Broken{Name: name, Make: func(testing.TB) []byte { return b }, Code: code, Says: says}
	}
	return []formattest.Broken{
		is("another format", fault.MalformedFile, []byte("OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00"), "OggS"),
		is("four bytes", fault.TruncatedFile, []byte("RIFF"), "byte 4"),
		is("no fmt", fault.MalformedFile, riff(e.data()), `"fmt "`),
		is("no data", fault.TruncatedFile, riff(e.fmt()), `"data"`),
		is("no samples", fault.NoEssence, riff(e.fmt(), chunk("data")), "no samples"),
		is("less than a sample", fault.NoEssence, riff(e.fmt(), chunk("data", []byte{1, 2, 3})), "no samples"),
		is("data beyond the file", fault.TruncatedFile, riff(e.fmt(), claims("data", size+1000, e.samples())), "36000", "37000", "byte 44"),
		is("fmt beyond the file", fault.TruncatedFile, riff(claims("fmt ", 400, []byte("abc"))), `"fmt "`, "400"),
		is("fmt too short", fault.MalformedFile, riff(chunk("fmt ", make([]byte, 14)), e.data()), "14 bytes"),
		is("bext too short", fault.MalformedFile, riff(chunk("bext", make([]byte, 14)), e.fmt(), e.data()), "bext"),
		is("ds64 too short", fault.MalformedFile, form("RF64", -1, chunk("ds64", make([]byte, 8)), e.fmt(), e.data()), "ds64"),
		is("ds64 that overflows", fault.MalformedFile, form("RF64", -1, ds64(-5, 1), e.fmt(), claims("data", math.MaxUint32, e.samples())), "overflows"),
		is("ds64 beyond the file", fault.TruncatedFile, form("RF64", -1, ds64(math.MaxInt64, 1), e.fmt(), claims("data", math.MaxUint32, e.samples())), "9223372036854775807"),
		is("RF64 without ds64", fault.MalformedFile, form("RF64", -1, e.fmt(), claims("data", math.MaxUint32, e.samples())), "no ds64"),
		is("A-law", fault.UnsupportedFile, riff(essence{tag: 6, rate: 8000, channels: 1, bits: 8}.fmt(), chunk("data", make([]byte, 80))), "0x0006"),
		is("sub-format", fault.UnsupportedFile, riff(chunk("fmt ", cat(le16(0xfffe), make([]byte, 38))), e.data()), "sub-format"),
		is("extensible too short", fault.MalformedFile, riff(chunk("fmt ", cat(le16(0xfffe), make([]byte, 30))), e.data()), "extensible"),
		is("no channels", fault.MalformedFile, riff(essence{tag: 1, rate: 8000, bits: 8}.fmt(), e.data()), "0 channels"),
		is("rate of 0", fault.MalformedFile, riff(essence{tag: 1, channels: 1, bits: 8}.fmt(), e.data()), "sample rate"),
		is("64-bit integers", fault.MalformedFile, riff(essence{tag: 1, rate: 8000, channels: 1, bits: 64}.fmt(), e.data()), "8 bytes"),
		is("16-bit float", fault.MalformedFile, riff(essence{tag: 3, rate: 8000, channels: 1, bits: 16}.fmt(), e.data()), "floating-point"),
		is("valid bits beyond the sample", fault.MalformedFile, riff(essence{tag: 1, rate: 8000, channels: 1, bits: 16, valid: 24}.fmt(), e.data()), "24 valid bits"),
		is("blocks of the wrong size", fault.MalformedFile, riff(chunk("fmt ", le16(1), le16(2), le32(48000), le32(0), le16(5), le16(16)), e.data()), "blocks of 5"),
		is("thousands of chunks", fault.MalformedFile, riff(make([]byte, 8*2000), e.fmt(), e.data()), "1024 chunks"),
	}
}

// A plan of an 83 GB file is made without reading it, in chunks of bounded size.
func TestPlanOfALongFile(t *testing.T) {
	t.Parallel()
	in := film().Open(t)
	a, err := wav.Format{}.Probe(t.Context(), in)
	require.NoError(t, err)
	before := in.BytesRead()
	chunks, last := 0, int64(0)
	req := &formats.PlanRequest{Analysis: a, Flows: map[int]*media.Flow{1: a.Tracks[0].Flow}, Range: mediatime.Eternity, Sizes: formats.DefaultSizes()}
	err = wav.Format{}.Plan(t.Context(), in, req, func(c *formats.Chunk) error {
		require.LessOrEqual(t, c.End-c.Start, int64(120<<20))
		chunks, last = chunks+1, c.End
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, before, in.BytesRead())
	require.Equal(t, in.Size(), last)
	require.Less(t, chunks, 1000)
}
