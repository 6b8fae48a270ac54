package economy_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"io"
	"os"
	"slices"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/formats/mp4/mux"
	"github.com/grainmesh/grainmesh/pkg/isobmff"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	"github.com/grainmesh/grainmesh/pkg/rangereader/rangetest"
	"github.com/grainmesh/grainmesh/pkg/window"
)

const (
	sampleRate = 48_000
	frameRate  = 25
	perFrame   = sampleRate / frameRate // samples of sound
	frameBytes = 6                      // of one sample of sound: 24 bits, stereo
	pictures   = 40_000                 // bytes of a picture
	sound      = rangetest.Pattern(7)   // the samples, one after another
)

// arrangement is how a movie lies in its file.
type arrangement struct {
	moovLast bool
	// apart puts all pictures before all sound.
	apart bool
}

// movie is a movie of any length whose pictures repeat themselves.
type movie struct {
	size  int64
	index int64 // bytes of its moov box
	parts []part
}

// part is a stretch of a file: bytes that are there, or a pattern from some place on.
type part struct {
	at, size int64
	bytes    []byte
	from     int64
}

var _ io.ReaderAt = (*movie)(nil)

// ReadAt implements io.ReaderAt.
func (m *movie) ReadAt(b []byte, off int64) (int, error) {
	read := 0
	for read < len(b) && off < m.size {
		n := sort.Search(len(m.parts), func(i int) bool { return m.parts[i].at > off }) - 1
		p := &m.parts[n]
		within := off - p.at
		chunk := b[read:min(len(b), read+int(p.size-within))]
		if p.bytes != nil {
			copy(chunk, p.bytes[within:])
		} else if _, err := sound.ReadAt(chunk, p.from+within); err != nil {
			return read, err
		}
		read += len(chunk)
		off += int64(len(chunk))
	}
	if read < len(b) {
		return read, io.EOF
	}
	return read, nil
}

// file is the movie as a server has it.
func (m *movie) file() rangetest.File {
	return rangetest.File{Content: m, Size: m.size, ETag: `"a-movie"`}
}

// newMovie makes a movie of so many pictures, with sound.
func newMovie(t *testing.T, frames int, a arrangement) *movie {
	t.Helper()
	entry, samples := intra(t)
	video := &mux.Track{Handler: "vide", Width: 64, Height: 64, Timescale: frameRate, Entries: [][]byte{entry}, Duration: int64(frames)}
	index := make(media.Index, frames)
	cut := window.Cut{Samples: int64(frames) * perFrame}
	for n := range frames {
		video.Samples = append(video.Samples, mux.Sample{Size: pictures, DTS: int64(n), Duration: 1, Sync: true})
		index[n] = media.Entry{Grain: media.Grain{Samples: perFrame}, Size: perFrame * frameBytes}
		cut.Grains = append(cut.Grains, n)
	}
	audio, err := mux.PCMTrack(&media.Flow{Format: media.FormatAudio, Codec: media.CodecPCM, Audio: &media.Audio{
		SampleRate: sampleRate, Channels: 2, BitDepth: 24, UncType: "interleaved",
	}}, index, cut, 0, mux.QuickTime)
	require.NoError(t, err)
	tracks := []*mux.Track{video, audio}
	layout, err := mux.New(tracks, mux.Options{Kind: mux.QuickTime})
	require.NoError(t, err)
	m, place := arrange(t, layout, a)
	old := int64(len(layout.Head))
	for _, ref := range layout.Order {
		p := part{at: place(old), size: int64(tracks[ref.Track].Samples[ref.Sample].Size)}
		if ref.Track == 0 {
			p.bytes = samples[ref.Sample%len(samples)]
		} else {
			p.from = int64(ref.Sample) * perFrame * frameBytes
		}
		m.parts = append(m.parts, p)
		old += p.size
	}
	slices.SortFunc(m.parts, func(a, b part) int { return cmp.Compare(a.at, b.at) })
	return m
}

// intra returns a sample entry and some key frames that go with it, filled up to the
// size of all pictures.
func intra(t *testing.T) (entry []byte, samples [][]byte) {
	t.Helper()
	file, err := os.ReadFile(mediatest.Make(t, "i.mp4", "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=25", "-frames:v", "4",
		"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-x264-params", "keyint=1"))
	require.NoError(t, err)
	m, err := isobmff.ReadMovie(bytes.NewReader(file))
	require.NoError(t, err)
	for c := m.Tracks[0].Samples(); ; {
		s, ok, err := c.Next()
		require.NoError(t, err)
		if !ok {
			return m.Tracks[0].Entries[0].Raw, samples
		}
		b := bytes.Clone(file[s.Offset:s.End()])
		// Filler data (ITU-T H.264, 7.3.2.7): 0xff, and a last byte of 0x80.
		filler := bytes.Repeat([]byte{0xff}, pictures-len(b)-4)
		filler[0], filler[len(filler)-1] = 12, 0x80
		b = binary.BigEndian.AppendUint32(b, uint32(len(filler)))
		samples = append(samples, append(b, filler...))
	}
}

// chunk is a chunk of a sample table: where it was, where its offset is written, and
// where it goes.
type chunk struct {
	track    int
	old, new int64
	offset   []byte
}

// arrange lays a file out anew, and returns it without its samples, and a function
// that says where what was at an offset is now.
func arrange(t *testing.T, layout *mux.Layout, a arrangement) (*movie, func(int64) int64) {
	t.Helper()
	var ftyp, moov isobmff.Box
	for box := range isobmff.Children(bytes.Clone(layout.Head)) {
		switch box.Type {
		case "ftyp":
			ftyp = box
		case "moov":
			moov = box
		}
	}
	mdat := layout.Head[len(ftyp.Raw)+len(moov.Raw):]
	chunks := chunksOf(t, moov.Data)
	payload := int64(len(layout.Head))
	if a.moovLast {
		payload -= int64(len(moov.Raw))
	}
	move(chunks, layout, payload, a.apart)
	m := &movie{size: layout.Size, index: int64(len(moov.Raw))}
	at := int64(0)
	for _, b := range [][]byte{ftyp.Raw, moov.Raw, mdat} {
		if a.moovLast && &b[0] == &moov.Raw[0] {
			m.parts = append(m.parts, part{at: m.size - m.index, size: m.index, bytes: b})
			continue
		}
		m.parts = append(m.parts, part{at: at, size: int64(len(b)), bytes: b})
		at += int64(len(b))
	}
	return m, func(old int64) int64 {
		c := &chunks[sort.Search(len(chunks), func(i int) bool { return chunks[i].old > old })-1]
		return c.new + old - c.old
	}
}

// chunksOf lists the chunks of all tracks as they follow in the file.
func chunksOf(t *testing.T, moov []byte) []chunk {
	t.Helper()
	var chunks []chunk
	track := 0
	for box := range isobmff.Children(moov) {
		if box.Type != "trak" {
			continue
		}
		table, width := isobmff.Find(box.Data, "mdia", "minf", "stbl", "co64"), 8
		if table == nil {
			table, width = isobmff.Find(box.Data, "mdia", "minf", "stbl", "stco"), 4
		}
		require.NotNil(t, table)
		for offsets := table[8:]; len(offsets) >= width; offsets = offsets[width:] {
			c := chunk{track: track, offset: offsets[:width]}
			for _, b := range c.offset {
				c.old = c.old<<8 | int64(b)
			}
			chunks = append(chunks, c)
		}
		track++
	}
	slices.SortFunc(chunks, func(a, b chunk) int { return cmp.Compare(a.old, b.old) })
	return chunks
}

// move gives the chunks their new places, from an offset on, and writes them into the
// tables.
func move(chunks []chunk, layout *mux.Layout, at int64, apart bool) {
	sizes := make(map[int64]int64, len(chunks))
	order := make([]*chunk, len(chunks))
	for i := range chunks {
		end := layout.Size
		if i+1 < len(chunks) {
			end = chunks[i+1].old
		}
		sizes[chunks[i].old] = end - chunks[i].old
		order[i] = &chunks[i]
	}
	if apart {
		slices.SortStableFunc(order, func(a, b *chunk) int { return cmp.Compare(a.track, b.track) })
	}
	for _, c := range order {
		c.new = at
		at += sizes[c.old]
		for i := range c.offset {
			c.offset[i] = byte(c.new >> (8 * (len(c.offset) - 1 - i)))
		}
	}
}

// newTake makes an RF64 file (EBU Tech 3306) of so many samples, and returns the
// length of its head as well.
func newTake(samples int64) (file rangetest.File, head int64) {
	data := samples * frameBytes
	b := append([]byte("RF64\xff\xff\xff\xffWAVEds64"), 28, 0, 0, 0)
	for _, n := range []int64{data + 72, data, samples} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	b = append(b, 0, 0, 0, 0)
	b = append(b, "fmt \x10\x00\x00\x00\x01\x00\x02\x00"...)
	b = binary.LittleEndian.AppendUint32(b, sampleRate)
	b = binary.LittleEndian.AppendUint32(b, sampleRate*frameBytes)
	b = append(b, frameBytes, 0, 24, 0)
	b = append(b, "data\xff\xff\xff\xff"...)
	head = int64(len(b))
	m := &movie{size: head + data, parts: []part{{size: head, bytes: b}, {at: head, size: data}}}
	return m.file(), head
}
