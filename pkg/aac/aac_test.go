package aac_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/aac"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		bytes []byte
		want  aac.Config
		oti   int
	}{
		"LC 48k stereo":          {[]byte{0x11, 0x90}, aac.Config{ObjectType: 2, SampleRate: 48000, Channels: 2, OutputRate: 48000}, 2},
		"LC 44.1k mono":          {[]byte{0x12, 0x08}, aac.Config{ObjectType: 2, SampleRate: 44100, Channels: 1, OutputRate: 44100}, 2},
		"LC, SBR said to be off": {[]byte{0x11, 0x90, 0x56, 0xe5, 0x00}, aac.Config{ObjectType: 2, SampleRate: 48000, Channels: 2, OutputRate: 48000}, 2},
		"HE, compatible":         {[]byte{0x13, 0x10, 0x56, 0xe5, 0x98}, aac.Config{ObjectType: 2, SampleRate: 24000, Channels: 2, OutputRate: 48000, SBR: true}, 5},
		"HE, explicit":           {[]byte{0x2b, 0x11, 0x88, 0x00}, aac.Config{ObjectType: 2, SampleRate: 24000, Channels: 2, OutputRate: 48000, SBR: true}, 5},
		"HE v2":                  {[]byte{0xeb, 0x09, 0x88, 0x00}, aac.Config{ObjectType: 2, SampleRate: 24000, Channels: 1, OutputRate: 48000, SBR: true, PS: true}, 29},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := aac.Parse(test.bytes)
			require.NoError(t, err)
			require.Equal(t, test.want, *got)
			require.Equal(t, test.oti, got.OTI())
			require.Equal(t, 1024*test.want.OutputRate/test.want.SampleRate, got.OutputSamples())
		})
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, b := range [][]byte{nil, {0x11}, {0xff, 0xff}, {0xf8, 0xe8, 0x50, 0x00}} {
		_, err := aac.Parse(b)
		require.ErrorIs(t, err, aac.ErrConfig)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{0xeb, 0x09, 0x88, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := aac.Parse(b); err == nil {
			require.Positive(t, c.OutputSamples())
			require.NotEmpty(t, c.Profile())
		}
	})
}
