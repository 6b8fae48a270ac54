package isobmff_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/isobmff"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
)

func load(t *testing.T, path string) *bytes.Reader {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return bytes.NewReader(data)
}

// movie makes a file of two seconds of video with B pictures, stereo AAC and a
// start timecode.
func movie(t *testing.T, name string, more ...string) string {
	t.Helper()
	args := []string{
		"-f", "lavfi", "-i", "testsrc2=size=128x96:rate=25", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
		"-t", "2", "-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "10", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2",
	}
	return mediatest.Make(t, name, append(args, more...)...)
}

func samples(t *testing.T, src isobmff.Source, m *isobmff.Movie, track int) []isobmff.Sample {
	t.Helper()
	var all []isobmff.Sample
	for c := m.Tracks[track].Samples(); ; {
		s, ok, err := c.Next()
		require.NoError(t, err)
		if !ok {
			break
		}
		all = append(all, s)
	}
	for c := m.Fragments(src); ; {
		runs, err := c.Next()
		require.NoError(t, err)
		if runs == nil {
			return all
		}
		for _, run := range runs {
			if run.Track == m.Tracks[track] {
				all = append(all, run.Samples...)
			}
		}
	}
}

func TestSamplesAreThoseOfFFprobe(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file  string
		flags []string
	}{
		"moov last":          {"a.mp4", nil},
		"moov first":         {"a.mp4", []string{"-movflags", "+faststart"}},
		"negative offsets":   {"a.mp4", []string{"-movflags", "+negative_cts_offsets"}},
		"quicktime":          {"a.mov", []string{"-timecode", "10:00:00:00"}},
		"fragmented":         {"a.mp4", []string{"-movflags", "+frag_keyframe+empty_moov+default_base_moof"}},
		"fragments no base":  {"a.mp4", []string{"-movflags", "+frag_keyframe+empty_moov"}},
		"first part in moov": {"a.mp4", []string{"-movflags", "+frag_keyframe"}},
		"separate":           {"a.mp4", []string{"-movflags", "+frag_keyframe+separate_moof+empty_moov"}},
		"cmaf":               {"a.mp4", []string{"-movflags", "+cmaf"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := movie(t, test.file, test.flags...)
			src := load(t, path)
			m, err := isobmff.ReadMovie(src)
			require.NoError(t, err)
			for i, stream := range []string{"v:0", "a:0"} {
				got := samples(t, src, m, i)
				want := mediatest.Packets(t, path, stream)
				require.Len(t, got, len(want))
				shift := want[0].DTS - got[0].DTS
				for k, s := range got {
					require.Equal(t, want[k].Pos, s.Offset, "%s sample %d", stream, k)
					require.Equal(t, want[k].Size, int64(s.Size))
					require.Equal(t, want[k].DTS, s.DTS+shift, "%s sample %d", stream, k)
					require.Equal(t, want[k].PTS-want[0].PTS, s.PTS-got[0].PTS)
					require.Equal(t, want[k].Flags[0] == 'K', s.Sync, "%s sample %d", stream, k)
				}
			}
		})
	}
}

func TestEntriesAndTimecode(t *testing.T) {
	t.Parallel()
	src := load(t, movie(t, "a.mov", "-timecode", "10:00:00:00", "-metadata:s:a:0", "language=deu"))
	m, err := isobmff.ReadMovie(src)
	require.NoError(t, err)
	require.True(t, m.QuickTime())
	require.Len(t, m.Tracks, 3)
	video, audio, code := m.Tracks[0], m.Tracks[1], m.Tracks[2]
	require.Equal(t, "avc1", video.Entries[0].FourCC)
	require.Equal(t, 128, video.Entries[0].Width)
	require.NotEmpty(t, video.Entries[0].Child("avcC"))
	require.Equal(t, []uint32{code.ID}, video.Timecode)

	config, ok := audio.Entries[0].DecoderConfig()
	require.True(t, ok)
	require.EqualValues(t, 0x40, config.ObjectType)
	require.Equal(t, []byte{0x11, 0x90}, config.Specific[:2], "AAC-LC, 48 kHz, stereo")

	format, ok := code.Entries[0].Timecode()
	require.True(t, ok)
	require.EqualValues(t, 25, format.Frames)
	frame, ok := isobmff.ReadTimecode(src, code)
	require.True(t, ok)
	require.EqualValues(t, 10*3600*25, frame)
}

func TestPCM(t *testing.T) {
	t.Parallel()
	for codec, want := range map[string]isobmff.PCM{
		"pcm_s16le": {Bits: 16, FrameBytes: 4},
		"pcm_s16be": {Bits: 16, BigEndian: true, FrameBytes: 4},
		"pcm_s24le": {Bits: 24, FrameBytes: 6},
		"pcm_s24be": {Bits: 24, BigEndian: true, FrameBytes: 6},
		"pcm_s32le": {Bits: 32, FrameBytes: 8},
		"pcm_f32le": {Bits: 32, Float: true, FrameBytes: 8},
		"pcm_f64be": {Bits: 64, Float: true, BigEndian: true, FrameBytes: 16},
		"pcm_u8":    {Bits: 8, Unsigned: true, BigEndian: true, FrameBytes: 2},
		"pcm_s8":    {Bits: 8, FrameBytes: 2},
	} {
		t.Run(codec, func(t *testing.T) {
			t.Parallel()
			path := mediatest.Make(t, "a.mov", "-f", "lavfi", "-i", "sine=sample_rate=48000", "-t", "1", "-ac", "2", "-c:a", codec)
			m, err := isobmff.ReadMovie(load(t, path))
			require.NoError(t, err)
			got, ok := m.Tracks[0].Entries[0].PCM()
			require.True(t, ok)
			want.Channels, want.SampleRate = 2, 48000
			require.Equal(t, want, got)
			total := int64(0)
			for c := m.Tracks[0].Spans(); ; {
				span, ok, err := c.Next()
				require.NoError(t, err)
				if !ok {
					break
				}
				require.Equal(t, total, span.First)
				total += span.Count
			}
			require.EqualValues(t, 48000, total)
		})
	}
}

func box(name string, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), name...), body...)
}

func TestBadFilesAreNamed(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(movie(t, "a.mp4"))
	require.NoError(t, err)
	moovAt := bytes.LastIndex(whole, []byte("moov")) - 4
	huge := append(box("ftyp", []byte("isom\x00\x00\x00\x00")), 0, 0, 0, 1, 'm', 'd', 'a', 't', 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	for name, test := range map[string]struct {
		data []byte
		code fault.Code
		text string
	}{
		"empty":         {nil, fault.EmptyFile, "empty"},
		"moov missing":  {whole[:moovAt], fault.TruncatedFile, "moov missing"},
		"moov cut":      {whole[:len(whole)-100], fault.TruncatedFile, `inside the box "moov"`},
		"cut in header": {whole[:moovAt+5], fault.TruncatedFile, "inside the header"},
		"overflow":      {huge, fault.MalformedFile, "impossible size"},
		"not MP4":       {[]byte("RIFF....WAVEfmt "), fault.MalformedFile, "does not start with"},
		"size below 8":  {[]byte("\x00\x00\x00\x04ftypisom"), fault.MalformedFile, "impossible size"},
		"no tracks":     {box("moov", box("mvhd", make([]byte, 12), []byte{0, 0, 3, 232}, make([]byte, 84))), fault.NoEssence, "no tracks"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := isobmff.ReadMovie(bytes.NewReader(test.data))
			require.Error(t, err)
			require.Equal(t, test.code, fault.Of(err).Code, err.Error())
			require.Contains(t, err.Error(), test.text)
		})
	}
}

func TestFragmentsEndWithTheFile(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(movie(t, "a.mp4", "-movflags", "+frag_keyframe+empty_moov+default_base_moof"))
	require.NoError(t, err)
	cut := bytes.NewReader(whole[:len(whole)*2/3])
	m, err := isobmff.ReadMovie(cut)
	require.NoError(t, err)
	fragments := 0
	for c := m.Fragments(cut); ; fragments++ {
		if _, err = c.Next(); err != nil {
			break
		}
	}
	require.Equal(t, fault.TruncatedFile, fault.Of(err).Code)
	require.Greater(t, fragments, 1)
}

// counting counts the bytes that are read through it.
type counting struct {
	*bytes.Reader
	read int64
}

func (c *counting) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.Reader.ReadAt(b, off)
	c.read += int64(n)
	return n, err
}

func TestOnlyTheIndexIsRead(t *testing.T) {
	t.Parallel()
	src := &counting{Reader: load(t, movie(t, "a.mp4"))}
	m, err := isobmff.ReadMovie(src)
	require.NoError(t, err)
	require.LessOrEqual(t, src.read, m.IndexBytes)
	require.Less(t, src.read, src.Size()/4)
}
