package harness

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/grainmesh/grainmesh/pkg/mediatest"
	"github.com/grainmesh/grainmesh/pkg/rangereader/rangetest"
)

// File makes content of bytes, with a strong ETag.
func File(b []byte) rangetest.File {
	sum := sha256.Sum256(b)
	return rangetest.File{Content: bytes.NewReader(b), Size: int64(len(b)), ETag: fmt.Sprintf("%q", hex.EncodeToString(sum[:8]))}
}

// Of a WAV that [WAV] makes.
const (
	SampleRate = 48_000 // Hz
	FrameBytes = 4      // a sample of both channels
	WAVHeader  = 44     // bytes before the first sample
)

// WAV makes a WAV of 16-bit stereo at 48 kHz with so many samples in each channel. No
// two samples of a channel within half an hour are the same pair.
func WAV(samples int) []byte {
	b := make([]byte, 0, WAVHeader+FrameBytes*samples)
	b = append(b, "RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x02\x00"...)
	b = binary.LittleEndian.AppendUint32(b, SampleRate)
	b = binary.LittleEndian.AppendUint32(b, SampleRate*FrameBytes)
	b = append(b, FrameBytes, 0, 16, 0)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(FrameBytes*samples))
	for n := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(n))
		b = binary.LittleEndian.AppendUint16(b, uint16(n>>16))
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

// Movie makes an MP4 of six seconds with ffmpeg, its index before its media: H.264 at
// 24 frames a second in closed groups of a second with B-frames, and AAC at 44.1 kHz.
func Movie(t testing.TB) string {
	t.Helper()
	return mediatest.Make(t, "film.mp4", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=24:duration=6",
		"-f", "lavfi", "-i", "sine=duration=6:sample_rate=44100",
		"-c:v", "libx264", "-preset", "veryfast", "-g", "24", "-bf", "3", "-c:a", "aac", "-movflags", "+faststart")
}
