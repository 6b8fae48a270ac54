package fmp4_test

import (
	"bytes"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/services/origin/fmp4"
)

// entry is a sample entry whose bytes must pass.
func entry() []byte { return fmp4.FLAC(bytes.Repeat([]byte{7}, 34), 2, 24, 48000) }

func TestInitIsReadByAnother(t *testing.T) {
	t.Parallel()
	raw := fmp4.Init(&fmp4.Track{Timescale: 48000, SampleEntry: entry(), Audio: true, Skip: 1024})
	require.True(t, bytes.Contains(raw, entry()))
	file, err := mp4.DecodeFile(bytes.NewReader(raw))
	require.NoError(t, err)
	trak := file.Moov.Trak
	require.Equal(t, "soun", trak.Mdia.Hdlr.HandlerType)
	require.EqualValues(t, 48000, trak.Mdia.Mdhd.Timescale)
	require.EqualValues(t, 1024, trak.Edts.Elst[0].Entries[0].MediaTime)
	require.NotNil(t, file.Moov.Mvex.Trex)
	require.Equal(t, uint64(len(raw)), file.Ftyp.Size()+file.Moov.Size())
}

func TestVideoInitHasASizeAndNoEditWithoutNeed(t *testing.T) {
	t.Parallel()
	raw := fmp4.Init(&fmp4.Track{Timescale: 25000, SampleEntry: fmp4.AVC([]byte{1, 100, 0, 30, 255, 224, 0}, 1440, 1080), Width: 1920, Height: 1080})
	file, err := mp4.DecodeFile(bytes.NewReader(raw))
	require.NoError(t, err)
	require.Equal(t, "1920", file.Moov.Trak.Tkhd.Width.String()[:4])
	require.Nil(t, file.Moov.Trak.Edts)
	require.Equal(t, "vide", file.Moov.Trak.Mdia.Hdlr.HandlerType)
}

func TestFragmentsAreReadByAnother(t *testing.T) {
	t.Parallel()
	samples := []fmp4.Sample{
		{Data: []byte("first"), Duration: 1000, Offset: 2000, Sync: true},
		{Data: []byte("second, longer"), Duration: 1001, Offset: -500},
	}
	raw := fmp4.Append(nil, 7, 1<<33, samples)
	raw = fmp4.Append(raw, 8, 1<<33+2001, samples[:1])
	require.EqualValues(t, len(raw), fmp4.Size(2, 19)+fmp4.Size(1, 5))
	init := fmp4.Init(&fmp4.Track{Timescale: 48000, SampleEntry: entry(), Audio: true})
	file, err := mp4.DecodeFile(bytes.NewReader(append(init, raw...)))
	require.NoError(t, err)
	var got []mp4.FullSample
	for _, segment := range file.Segments {
		for _, fragment := range segment.Fragments {
			all, err := fragment.GetFullSamples(file.Init.Moov.Mvex.Trex)
			require.NoError(t, err)
			got = append(got, all...)
		}
	}
	require.Len(t, got, 3)
	require.EqualValues(t, 1<<33, got[0].DecodeTime)
	require.EqualValues(t, 1<<33+1000, got[1].DecodeTime)
	require.EqualValues(t, 1<<33+2001, got[2].DecodeTime)
	require.Equal(t, samples[1].Data, got[1].Data)
	require.Equal(t, samples[1].Offset, got[1].CompositionTimeOffset)
	require.True(t, got[0].IsSync())
	require.False(t, got[1].IsSync())
}

func TestMadeEntriesAreReadByAnother(t *testing.T) {
	t.Parallel()
	aac := []byte{0x12, 0x10}
	box, err := mp4.DecodeBox(0, bytes.NewReader(fmp4.AAC(aac, 2, 44100)))
	require.NoError(t, err)
	sound, ok := box.(*mp4.AudioSampleEntryBox)
	require.True(t, ok)
	require.EqualValues(t, 44100, sound.SampleRate)
	require.Equal(t, aac, sound.Esds.DecConfigDescriptor.DecSpecificInfo.DecConfig)
}
