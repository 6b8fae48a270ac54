// Package mediatest makes media files for tests with ffmpeg and asks ffmpeg and
// ffprobe what is in files that the code under test made. A missing program
// fails the test: a skipped one would prove nothing.
package mediatest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FFmpeg runs ffmpeg and returns what it wrote to standard output.
func FFmpeg(t testing.TB, args ...string) []byte {
	t.Helper()
	return run(t, "ffmpeg", append([]string{"-nostdin", "-hide_banner", "-loglevel", "error", "-y"}, args...))
}

// Make runs ffmpeg with the output file name appended, in a temporary folder,
// and returns the path of the file.
func Make(t testing.TB, name string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	FFmpeg(t, append(args, path)...)
	return path
}

// FrameHashes decodes the first stream of a kind ("v" or "a") and returns the
// hash of each frame that comes out, without dropping or repeating any.
func FrameHashes(t testing.TB, path, kind string) []string {
	t.Helper()
	out := FFmpeg(t, "-i", path, "-map", "0:"+kind+":0", "-fps_mode", "passthrough", "-f", "framemd5", "-")
	var hashes []string
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		hashes = append(hashes, line[strings.LastIndexByte(line, ' ')+1:])
	}
	return hashes
}

// EachFrameHashes decodes the first stream of a kind of several files, and returns
// the hash of each frame of each file. One process decodes them all, which for small
// files is many times faster than FrameHashes of one after the other.
func EachFrameHashes(t testing.TB, kind string, paths ...string) [][]string {
	t.Helper()
	var inputs, maps []string
	for i, path := range paths {
		inputs = append(inputs, "-threads", "1", "-i", path)
		maps = append(maps, "-map", fmt.Sprintf("%d:%s:0", i, kind))
	}
	out := FFmpeg(t, slices.Concat(inputs, maps, []string{"-fps_mode", "passthrough", "-f", "framemd5", "-"})...)
	hashes := make([][]string, len(paths))
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		stream, err := strconv.Atoi(line[:strings.IndexByte(line, ',')])
		require.NoError(t, err)
		hashes[stream] = append(hashes[stream], line[strings.LastIndexByte(line, ' ')+1:])
	}
	return hashes
}

// Packet is a coded packet as ffprobe sees it. Times are in the stream's ticks.
type Packet struct {
	PTS, DTS, Duration int64
	// Seconds is PTS in seconds.
	Seconds float64 `json:"pts_time,string"`
	Size    int64   `json:"size,string"`
	Pos     int64   `json:"pos,string"`
	Flags   string
}

// Packets lists the packets of a stream ("v:0", "a:1") in decoding order.
func Packets(t testing.TB, path, stream string) []Packet {
	t.Helper()
	out := run(t, "ffprobe", []string{
		"-loglevel", "error", "-select_streams", stream, "-show_packets", "-of", "json", path,
	})
	var got struct{ Packets []Packet }
	require.NoError(t, json.Unmarshal(out, &got))
	return got.Packets
}

// Stream is what ffprobe says of one stream.
type Stream struct {
	CodecName    string `json:"codec_name"`
	CodecType    string `json:"codec_type"`
	TimeBase     string `json:"time_base"`
	StartPTS     int64  `json:"start_pts"`
	DurationTS   int64  `json:"duration_ts"`
	Frames       string `json:"nb_frames"`
	RFrameRate   string `json:"r_frame_rate"`
	Width        int
	Height       int
	Channels     int
	SampleRate   string            `json:"sample_rate"`
	InitialDelay string            `json:"initial_padding"`
	Tags         map[string]string `json:"tags"`
}

// Streams lists the streams of a file.
func Streams(t testing.TB, path string) []Stream {
	t.Helper()
	out := run(t, "ffprobe", []string{"-loglevel", "error", "-show_streams", "-of", "json", path})
	var got struct{ Streams []Stream }
	require.NoError(t, json.Unmarshal(out, &got))
	return got.Streams
}

func run(t testing.TB, program string, args []string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	require.NoErrorf(t, err, "%s %s: %s", program, strings.Join(args, " "), stderr.String())
	return stdout.Bytes()
}

// FramePositions returns where in the file each frame of the first video stream
// begins, in display order.
func FramePositions(t testing.TB, path string) []int64 {
	t.Helper()
	out := run(t, "ffprobe", []string{
		"-loglevel", "error", "-select_streams", "v:0", "-show_entries", "frame=pkt_pos", "-of", "json", path,
	})
	var got struct {
		Frames []struct {
			Pos int64 `json:"pkt_pos,string"`
		}
	}
	require.NoError(t, json.Unmarshal(out, &got))
	positions := make([]int64, len(got.Frames))
	for i, f := range got.Frames {
		positions[i] = f.Pos
	}
	return positions
}
