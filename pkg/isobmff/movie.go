package isobmff

import (
	"strings"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

// Movie is a moov box and what stands beside it at the top of the file.
type Movie struct {
	MajorBrand string
	Brands     []string
	Timescale  uint32 // ticks per second of the movie's own times
	Duration   uint64 // in movie ticks; 0 if not known
	Created    int64  // Unix seconds; 0 if the file does not say
	Tracks     []*Track
	// Fragmented says that samples stand in moof boxes, wholly or in part.
	Fragmented bool
	// FirstMoof is the offset of the first moof box, or 0.
	FirstMoof int64
	// DataEnd is the greatest end of an mdat box as its header has it.
	DataEnd int64
	// IndexBytes is how many bytes were read.
	IndexBytes int64
}

// QuickTime says that the file is a QuickTime movie rather than MP4.
func (m *Movie) QuickTime() bool { return m.MajorBrand == "" || strings.HasPrefix(m.MajorBrand, "qt") }

// Edit is an entry of an edit list (elst).
type Edit struct {
	Duration  uint64 // in movie ticks; 0 in a fragmented file means "all"
	MediaTime int64  // in track ticks; -1 is an empty edit
	Rate      int32  // 16.16
}

// Track is a trak box. Its tables alias the moov box.
type Track struct {
	ID        uint32
	Enabled   bool
	Handler   string // "vide", "soun", "tmcd" ...
	Timescale uint32 // ticks per second of its media
	Duration  uint64 // in its ticks; 0 if not known
	Language  string
	Matrix    [9]int32 // of tkhd, 16.16 and 2.30
	Edits     []Edit
	Entries   []Entry
	// Timecode lists the ids of timecode tracks that this track refers to.
	Timecode []uint32

	table    *sampleTable
	defaults fragmentDefaults
}

// fragmentDefaults are those of a trex box.
type fragmentDefaults struct {
	description, duration, size, flags uint32
}

// SampleCount returns how many samples the moov box lists.
func (t *Track) SampleCount() int64 {
	if t.table == nil {
		return 0
	}
	return int64(t.table.sizes.count)
}

// SampleSize returns the size that all samples have, or 0 where they differ.
func (t *Track) SampleSize() int64 {
	if t.table == nil {
		return 0
	}
	return int64(t.table.sizes.constant)
}

// AllSync says that the container calls every sample a sync sample.
func (t *Track) AllSync() bool { return t.table == nil || t.table.allSync }

// Limits of what is read into memory.
const (
	maxMoov    = 512 << 20
	maxMoof    = 64 << 20
	maxTracks  = 1024
	maxBoxes   = 1 << 20 // at the top of a file
	epochShift = 2_082_844_800
)

// ReadMovie reads the index of a file: the headers of its top-level boxes, ftyp
// and moov. Of a fragmented file it reads no further than the first moof.
func ReadMovie(src Source) (*Movie, error) {
	if src.Size() == 0 {
		return nil, fault.New(fault.EmptyFile, "the file is empty")
	}
	m := &Movie{}
	found := false
	for offset, boxes := int64(0), 0; offset < src.Size(); boxes++ {
		h, err := ReadHeader(src, offset)
		if err != nil {
			if found && fault.Is(err, fault.MalformedFile) || h.Type == "" && found {
				break // rubbish after the index
			}
			return nil, err
		}
		if boxes == 0 && !plausible(h.Type) || boxes > maxBoxes {
			return nil, malformed("the file does not start with an MP4 or QuickTime box, but with %q", h.Type)
		}
		m.IndexBytes += longHeader
		stop, err := m.topLevel(src, h, &found)
		if err != nil {
			return nil, err
		}
		if stop {
			break
		}
		offset = h.End()
	}
	if !found {
		return nil, fault.New(fault.TruncatedFile, "moov missing: the file is truncated or was not finalised")
	}
	if len(m.Tracks) == 0 {
		return nil, fault.New(fault.NoEssence, "the file has no tracks")
	}
	return m, nil
}

func plausible(boxType string) bool {
	switch boxType {
	case "ftyp", "styp", "moov", "moof", "mdat", "free", "skip", "wide", "pnot", "sidx", "uuid", "junk", "pict", "emsg", "prft":
		return true
	}
	return false
}

// topLevel takes in one box and says whether to stop.
func (m *Movie) topLevel(src Source, h Header, found *bool) (stop bool, err error) {
	switch h.Type {
	case "ftyp":
		err = m.readBrands(src, h)
	case "moov":
		if *found {
			return false, nil
		}
		var moov []byte
		if moov, err = ReadBody(src, h, maxMoov); err != nil {
			return false, err
		}
		*found = true
		m.IndexBytes += int64(len(moov))
		err = m.readMoov(moov, src.Size())
	case "mdat":
		m.DataEnd = max(m.DataEnd, h.End())
	case "moof":
		m.FirstMoof = h.Offset
		return *found, nil
	}
	return false, err
}

func (m *Movie) readBrands(src Source, h Header) error {
	b, err := ReadBody(src, h, 64<<10)
	if err != nil {
		return err
	}
	m.IndexBytes += int64(len(b))
	if len(b) >= 4 {
		m.MajorBrand = string(b[:4])
	}
	for i := 8; i+4 <= len(b); i += 4 {
		m.Brands = append(m.Brands, string(b[i:i+4]))
	}
	return nil
}

func (m *Movie) readMoov(moov []byte, fileSize int64) error {
	for box := range Children(moov) {
		switch box.Type {
		case "mvhd":
			if err := m.readHeader(box.Data); err != nil {
				return err
			}
		case "cmov":
			return fault.New(fault.UnsupportedFile, "the movie's index is compressed (cmov), which is not supported")
		case "trak":
			if len(m.Tracks) == maxTracks {
				return malformed("the file has more than %d tracks", maxTracks)
			}
			track, err := readTrack(box.Data, fileSize)
			if err != nil {
				return err
			}
			m.Tracks = append(m.Tracks, track)
		}
	}
	if mvex := Find(moov, "mvex"); mvex != nil {
		m.Fragmented = true
		m.readDefaults(mvex)
	}
	if m.Timescale == 0 {
		return malformed("the movie header is missing or has a time scale of 0")
	}
	return nil
}

func (m *Movie) readHeader(b []byte) error {
	f := fields{b: b}
	version, _ := f.full()
	created := f.word(version)
	f.word(version)
	m.Timescale = f.u32()
	m.Duration = f.word(version)
	if f.short {
		return malformed("the movie header is cut short")
	}
	if created > epochShift && created < 1<<40 {
		m.Created = int64(created) - epochShift
	}
	return nil
}

func (m *Movie) readDefaults(mvex []byte) {
	for box := range Children(mvex) {
		if box.Type != "trex" {
			continue
		}
		f := fields{b: box.Data}
		f.full()
		id := f.u32()
		for _, t := range m.Tracks {
			if t.ID == id {
				t.defaults = fragmentDefaults{f.u32(), f.u32(), f.u32(), f.u32()}
			}
		}
	}
}
