package gsf

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// GrainOverhead gives the size in bytes of a grain without its essence: what
// AppendGrainHeader writes.
func GrainOverhead(major uint16, g *Grain) int {
	return graiFixed + gbhdSize(major, g) + blockHeader
}

func gbhdSize(major uint16, g *Grain) int {
	return gbhdFixed(major) + listSize(labelSize, len(g.Labels)) + essenceSize(g)
}

func essenceSize(g *Grain) int {
	switch g.Kind {
	case KindVideo:
		return vghdFixed + listSize(compSize, len(g.Video.Components))
	case KindCodedVideo:
		return cghdFixed + listSize(unofSize, len(g.CodedVideo.UnitOffsets))
	case KindAudio:
		return aghdFixed
	case KindCodedAudio:
		return cahdFixed
	case KindEvent:
		return eghdFixed
	default:
		return 0
	}
}

// listSize is the size of a block that holds n items and is left out if there are
// none: tils, comp and unof.
func listSize(item, n int) int {
	if n == 0 {
		return 0
	}
	return listFixed + n*item
}

// AppendGrainHeader appends all of a grain but its essence, of which dataLen
// bytes are to follow. g.Data is not looked at. It returns dst as it was and
// ErrVersion, ErrNegativeTime (major 7) or ErrTooLarge (lists of more than 65,535
// items, a block of 4 GiB) when g cannot be written.
func AppendGrainHeader(dst []byte, major uint16, g *Grain, dataLen int) ([]byte, error) {
	if err := checkGrain(major, g, dataLen); err != nil {
		return dst, fmt.Errorf("gsf: write grain of local id %d at %v: %w", g.LocalID, g.Origin, err)
	}
	overhead := GrainOverhead(major, g)
	out := slices.Grow(dst, overhead)
	out = appendBlock(out, tagGrai, overhead+dataLen)
	out = binary.LittleEndian.AppendUint16(out, g.LocalID)
	out, err := appendGbhd(out, major, g)
	if err != nil {
		return dst, fmt.Errorf("gsf: write grain of local id %d at %v: %w", g.LocalID, g.Origin, err)
	}
	return appendBlock(out, tagGrdt, blockHeader+dataLen), nil
}

// AppendTerminator appends the block that ends a file.
func AppendTerminator(dst []byte) []byte { return appendBlock(dst, tagGrai, 0) }

func checkGrain(major uint16, g *Grain, dataLen int) error {
	if err := supported(major); err != nil {
		return err
	}
	longest := len(g.Labels)
	switch g.Kind {
	case KindVideo:
		longest = max(longest, len(g.Video.Components))
	case KindCodedVideo:
		longest = max(longest, len(g.CodedVideo.UnitOffsets))
	default: // no more lists
	}
	if longest > math.MaxUint16 {
		return fmt.Errorf("list of %d items: %w", longest, ErrTooLarge)
	}
	if dataLen < 0 || int64(dataLen) > maxBlock-int64(GrainOverhead(major, g)) {
		return fmt.Errorf("essence of %d bytes: %w", dataLen, ErrTooLarge)
	}
	return nil
}

func appendGbhd(dst []byte, major uint16, g *Grain) ([]byte, error) {
	dst = appendBlock(dst, tagGbhd, gbhdSize(major, g))
	dst = append(dst, g.SourceID[:]...)
	dst = append(dst, g.FlowID[:]...)
	if major == Major7 {
		dst = append(dst, make([]byte, deprecated7)...)
	}
	dst, err := appendTime(dst, wireTime(g.Origin), major)
	if err != nil {
		return nil, fmt.Errorf("origin time: %w", err)
	}
	sync := g.FarSync
	if sync == (WireTime{}) {
		sync = wireTime(g.Sync)
	}
	if dst, err = appendTime(dst, sync, major); err != nil {
		return nil, fmt.Errorf("sync time: %w", err)
	}
	dst = appendRational(dst, g.Rate)
	dst = appendRational(dst, g.Duration)
	dst = appendLabels(dst, g.Labels)
	return appendEssence(dst, g), nil
}

func appendLabels(dst []byte, labels []TimeLabel) []byte {
	if len(labels) == 0 {
		return dst
	}
	dst = appendBlock(dst, tagTils, listSize(labelSize, len(labels)))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(labels)))
	for i := range labels {
		l := &labels[i]
		dst = appendFixed(dst, l.Name, labelName)
		dst = binary.LittleEndian.AppendUint32(dst, l.Frames)
		dst = appendRational(dst, l.Rate)
		drop := byte(0)
		if l.DropFrame {
			drop = 1
		}
		dst = append(dst, drop)
	}
	return dst
}

func appendEssence(dst []byte, g *Grain) []byte {
	switch g.Kind {
	case KindVideo:
		return appendVideo(dst, &g.Video)
	case KindCodedVideo:
		return appendCodedVideo(dst, &g.CodedVideo)
	case KindAudio:
		a := &g.Audio
		dst = appendBlock(dst, tagAghd, aghdFixed)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(a.Format))
		dst = binary.LittleEndian.AppendUint16(dst, a.Channels)
		return appendWords(dst, a.Samples, a.SampleRate)
	case KindCodedAudio:
		a := &g.CodedAudio
		dst = appendBlock(dst, tagCahd, cahdFixed)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(a.Format))
		dst = binary.LittleEndian.AppendUint16(dst, a.Channels)
		return appendWords(dst, a.Samples, a.Priming, a.Remainder, a.SampleRate)
	case KindEvent:
		return append(appendBlock(dst, tagEghd, eghdFixed), g.Event.Type)
	default:
		return dst
	}
}

func appendWords(dst []byte, words ...uint32) []byte {
	for _, w := range words {
		dst = binary.LittleEndian.AppendUint32(dst, w)
	}
	return dst
}

func appendVideo(dst []byte, v *Video) []byte {
	list := listSize(compSize, len(v.Components))
	dst = appendBlock(dst, tagVghd, vghdFixed+list)
	dst = appendWords(dst, uint32(v.Format), uint32(v.Layout), v.Width, v.Height, v.Extension)
	dst = appendRational(dst, v.SourceAspect)
	dst = appendRational(dst, v.PixelAspect)
	if list == 0 {
		return dst
	}
	dst = appendBlock(dst, tagComp, list)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(v.Components)))
	for _, c := range v.Components {
		dst = appendWords(dst, c.Width, c.Height, c.Stride, c.Length)
	}
	return dst
}

func appendCodedVideo(dst []byte, c *CodedVideo) []byte {
	list := listSize(unofSize, len(c.UnitOffsets))
	dst = appendBlock(dst, tagCghd, cghdFixed+list)
	dst = appendWords(dst, uint32(c.Format), uint32(c.Layout),
		c.OriginWidth, c.OriginHeight, c.CodedWidth, c.CodedHeight)
	dst = append(dst, byte(c.KeyFrame))
	dst = appendWords(dst, uint32(c.TemporalOffset))
	if list == 0 {
		return dst
	}
	dst = appendBlock(dst, tagUnof, list)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(c.UnitOffsets)))
	return appendWords(dst, c.UnitOffsets...)
}
