package gsf

import (
	"fmt"
	"slices"
)

// Sizes in bytes.
const (
	graiFixed   = blockHeader + 2 // local id
	gbhdCommon  = blockHeader + 2*uuidSize + 2*rationalSize
	deprecated7 = 16              // of major 7, zeros
	listFixed   = blockHeader + 2 // of tils, comp and unof: number of items
	labelName   = 16
	labelSize   = labelName + 4 + rationalSize + 1
	vghdFixed   = blockHeader + 5*4 + 2*rationalSize
	compSize    = 4 * 4
	cghdFixed   = blockHeader + 6*4 + 1 + 4
	unofSize    = 4
	aghdFixed   = blockHeader + 4 + 2 + 2*4
	cahdFixed   = blockHeader + 4 + 2 + 4*4
	eghdFixed   = blockHeader + 1
)

// gbhdFixed is the size of gbhd without children: 92 in major 7, 78 since.
func gbhdFixed(major uint16) int {
	n := gbhdCommon + 2*timeSize(major)
	if major == Major7 {
		n += deprecated7
	}
	return n
}

// parseGbhd fills g from the header of a grain, but for LocalID, Data and Pos.
func parseGbhd(b block, major uint16, g *Grain) error {
	if err := b.need(gbhdFixed(major) - blockHeader); err != nil {
		return err
	}
	copy(g.SourceID[:], b.body)
	copy(g.FlowID[:], b.body[uuidSize:])
	at := 2 * uuidSize
	if major == Major7 {
		at += deprecated7
	}
	if err := parseTimes(b, at, major, g); err != nil {
		return err
	}
	at += 2 * timeSize(major)
	g.Rate = parseRational(b.body, at)
	g.Duration = parseRational(b.body, at+rationalSize)
	return parseGbhdChildren(b, at+2*rationalSize, g)
}

func parseTimes(b block, at int, major uint16, g *Grain) error {
	origin, err := parseTime(b.body, at, major).Time()
	if err != nil {
		return b.fault(at, fmt.Errorf("origin time: %w", err))
	}
	g.Origin, g.FarSync = origin, WireTime{}
	sync := parseTime(b.body, at+timeSize(major), major)
	// Only the origin places a grain. A sync time out of range is kept as it is,
	// since files of the reference writer that have one are valid.
	if g.Sync, err = sync.Time(); err != nil {
		g.Sync, g.FarSync = sync.saturated(), sync
	}
	return nil
}

func parseGbhdChildren(b block, at int, g *Grain) error {
	g.Kind = KindEmpty
	g.Labels = g.Labels[:0]
	labelled := false
	for at < len(b.body) {
		child, next, err := b.child(at)
		if err != nil {
			return err
		}
		at = next
		if child.tag == tagTils {
			if labelled {
				return child.fault(-blockHeader, fmt.Errorf("%w time labels", ErrDuplicate))
			}
			labelled = true
			if err := parseLabels(child, g); err != nil {
				return err
			}
			continue
		}
		kind, parse := essenceParser(child.tag)
		if parse == nil {
			continue
		}
		if g.Kind != KindEmpty {
			return child.fault(-blockHeader, fmt.Errorf("%w essence header", ErrDuplicate))
		}
		g.Kind = kind
		if err := parse(child, g); err != nil {
			return err
		}
	}
	return nil
}

// essenceParser gives the kind of an essence header and what parses it, nil for
// other blocks.
func essenceParser(t tag) (Kind, func(block, *Grain) error) {
	switch t {
	case tagVghd:
		return KindVideo, parseVideo
	case tagCghd:
		return KindCodedVideo, parseCodedVideo
	case tagAghd:
		return KindAudio, parseAudio
	case tagCahd:
		return KindCodedAudio, parseCodedAudio
	case tagEghd:
		return KindEvent, parseEvent
	default:
		return KindEmpty, nil
	}
}

// listLen reads the count that starts a list and checks that all its items are
// there, so that memory is only taken for what the input holds.
func listLen(b block, itemSize int) (int, error) {
	if err := b.need(2); err != nil {
		return 0, err
	}
	n := int(u16(b.body, 0))
	return n, b.need(2 + n*itemSize)
}

func parseLabels(b block, g *Grain) error {
	n, err := listLen(b, labelSize)
	if err != nil {
		return err
	}
	labels := resize(g.Labels, n)
	for i := range labels {
		item := b.body[2+i*labelSize:]
		labels[i] = TimeLabel{
			Name:      fixedString(item[:labelName], labels[i].Name),
			Frames:    u32(item, labelName),
			Rate:      parseRational(item, labelName+4),
			DropFrame: item[labelName+4+rationalSize] != 0,
		}
	}
	g.Labels = labels
	return nil
}

// resize gives s with length n, reusing what it holds where the capacity allows.
func resize[T any](s []T, n int) []T {
	return slices.Grow(s[:0], n)[:n]
}

func parseVideo(b block, g *Grain) error {
	const fixed = vghdFixed - blockHeader
	if err := b.need(fixed); err != nil {
		return err
	}
	v := &g.Video
	v.Format = FrameFormat(u32(b.body, 0))
	v.Layout = FrameLayout(u32(b.body, 4))
	v.Width, v.Height = u32(b.body, 8), u32(b.body, 12)
	v.Extension = u32(b.body, 16)
	v.SourceAspect, v.PixelAspect = parseRational(b.body, 20), parseRational(b.body, 28)
	v.Components = v.Components[:0]
	list, err := onlyChild(b, fixed, tagComp)
	if err != nil || list.tag == 0 {
		return err
	}
	n, err := listLen(list, compSize)
	if err != nil {
		return err
	}
	v.Components = resize(v.Components, n)
	for i := range v.Components {
		item := list.body[2+i*compSize:]
		v.Components[i] = Component{u32(item, 0), u32(item, 4), u32(item, 8), u32(item, 12)}
	}
	return nil
}

func parseCodedVideo(b block, g *Grain) error {
	const fixed = cghdFixed - blockHeader
	if err := b.need(fixed); err != nil {
		return err
	}
	c := &g.CodedVideo
	c.Format = FrameFormat(u32(b.body, 0))
	c.Layout = FrameLayout(u32(b.body, 4))
	c.OriginWidth, c.OriginHeight = u32(b.body, 8), u32(b.body, 12)
	c.CodedWidth, c.CodedHeight = u32(b.body, 16), u32(b.body, 20)
	c.KeyFrame = KeyFrame(b.body[24])
	c.TemporalOffset = int32(u32(b.body, 25))
	c.UnitOffsets = c.UnitOffsets[:0]
	list, err := onlyChild(b, fixed, tagUnof)
	if err != nil || list.tag == 0 {
		return err
	}
	n, err := listLen(list, unofSize)
	if err != nil {
		return err
	}
	c.UnitOffsets = resize(c.UnitOffsets, n)
	for i := range c.UnitOffsets {
		c.UnitOffsets[i] = u32(list.body, 2+i*unofSize)
	}
	return nil
}

// onlyChild gives the one child with a tag, the zero block when there is none.
func onlyChild(b block, at int, want tag) (block, error) {
	var found block
	for at < len(b.body) {
		child, next, err := b.child(at)
		if err != nil {
			return block{}, err
		}
		at = next
		if child.tag != want {
			continue
		}
		if found.tag == want {
			return block{}, child.fault(-blockHeader, fmt.Errorf("%w list", ErrDuplicate))
		}
		found = child
	}
	return found, nil
}

func parseAudio(b block, g *Grain) error {
	if err := b.need(aghdFixed - blockHeader); err != nil {
		return err
	}
	g.Audio = Audio{
		Format:     AudioFormat(u32(b.body, 0)),
		Channels:   u16(b.body, 4),
		Samples:    u32(b.body, 6),
		SampleRate: u32(b.body, 10),
	}
	return nil
}

func parseCodedAudio(b block, g *Grain) error {
	if err := b.need(cahdFixed - blockHeader); err != nil {
		return err
	}
	g.CodedAudio = CodedAudio{
		Format:     AudioFormat(u32(b.body, 0)),
		Channels:   u16(b.body, 4),
		Samples:    u32(b.body, 6),
		Priming:    u32(b.body, 10),
		Remainder:  u32(b.body, 14),
		SampleRate: u32(b.body, 18),
	}
	return nil
}

func parseEvent(b block, g *Grain) error {
	if err := b.need(eghdFixed - blockHeader); err != nil {
		return err
	}
	g.Event = Event{Type: b.body[0]}
	return nil
}
