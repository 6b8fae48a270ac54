package origin_test

import (
	"crypto/md5"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/formats/mp4"
	"github.com/grainmesh/grainmesh/pkg/formats/wav"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
)

// samples decodes all audio of a file or playlist to raw samples and hashes them.
func samples(t *testing.T, input, format string) string {
	t.Helper()
	sum := md5.Sum(mediatest.FFmpeg(t, "-i", input, "-map", "0:a:0", "-f", format, "-"))
	return hex.EncodeToString(sum[:])
}

func TestRawAudioPlaysBitForBit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ codec, rate, channels, format string }{
		"16 bit stereo":  {"pcm_s16le", "48000", "2", "s16le"},
		"24 bit mono":    {"pcm_s24le", "44100", "1", "s24le"},
		"24 bit six":     {"pcm_s24le", "48000", "6", "s24le"},
		"16 bit at 96 k": {"pcm_s16le", "96000", "2", "s16le"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			path := mediatest.Make(t, "in.wav", "-f", "lavfi", "-i", "aevalsrc=sin(440*2*PI*t)*0.4+0.01*random(0):d=13.37:s="+c.rate,
				"-ac", c.channels, "-c:a", c.codec)
			in := b.store.ingest(t, wav.Format{}, path, smallSizes())
			require.Equal(t, samples(t, path, c.format), samples(t, b.play(t, in.multi.ID), c.format))
		})
	}
}

func TestPicturesAndSoundPlayAsStored(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	path := mediatest.Make(t, "in.mp4", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=20", "-f", "lavfi", "-i", "sine=440:d=20",
		"-c:v", "libx264", "-preset", "veryfast", "-g", "50", "-bf", "3", "-c:a", "aac", "-aac_pns", "0", "-b:a", "96k")
	in := b.store.ingest(t, mp4.Format{}, path, smallSizes())
	url := b.play(t, in.multi.ID)
	require.Equal(t, mediatest.FrameHashes(t, path, "v"), mediatest.FrameHashes(t, url, "v"))
}
