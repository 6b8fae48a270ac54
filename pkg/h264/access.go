package h264

import (
	"bytes"
	"fmt"
	"slices"
)

// access gathers a Picture from the units of one access unit.
type access struct {
	parser  *Parser
	pic     Picture
	first   *slice
	fields  int
	lastTop bool
	peek    bool
	sets    [][]byte // parameter sets in the access unit
}

func (a *access) add(unit []byte) error {
	switch TypeOf(unit) {
	case UnitSPS, UnitPPS, UnitSPSExt:
		a.sets = append(a.sets, unit)
		return a.parser.AddSet(unit)
	case UnitSEI:
		if rec, ok := readRecovery(unit); ok && !a.pic.HasRecovery {
			a.pic.HasRecovery, a.pic.Recovery = true, rec
		}
	case UnitSlice, UnitPartitionA, UnitIDR:
		return a.addSlice(unit)
	}
	return nil
}

func (a *access) addSlice(unit []byte) error {
	if len(unit) < 2 {
		return fmt.Errorf("slice of %d bytes: %w", len(unit), ErrSyntax)
	}
	if a.first != nil && !a.first.field {
		// Later slices of a frame add nothing but their type.
		kind, err := sliceKind(unit)
		a.pic.Intra = a.pic.Intra && kind.intra()
		return err
	}
	s, err := a.parser.parseSlice(unit)
	if err != nil || s.redundant {
		return err
	}
	switch {
	case a.first == nil:
		a.begin(&s)
	case s.field && a.fields == 1 && s.bottom == a.lastTop:
		a.secondField(&s)
	}
	a.pic.Intra = a.pic.Intra && s.kind.intra()
	if a.peek {
		return errEnough
	}
	return nil
}

func (a *access) begin(s *slice) {
	a.first = s
	top, bottom := a.parser.poc.next(s)
	a.pic.IDR = s.idr
	a.pic.Intra = true
	a.pic.Disposable = s.refIDC == 0
	a.pic.FrameNum = s.frameNum
	a.pic.POC = min(top, bottom)
	a.pic.SPS = s.sps
	if s.field {
		a.fields, a.lastTop = 1, !s.bottom
		a.pic.Structure = TopField
		if s.bottom {
			a.pic.Structure = BottomField
		}
	}
}

func (a *access) secondField(s *slice) {
	a.fields = 2
	top, _ := a.parser.poc.next(s)
	a.pic.POC = min(a.pic.POC, top)
	a.pic.Disposable = a.pic.Disposable && s.refIDC == 0
	if a.lastTop {
		a.pic.Structure = TopFirst
	} else {
		a.pic.Structure = BottomFirst
	}
}

func (a *access) picture() (Picture, error) {
	if a.first == nil {
		return Picture{}, ErrNoPicture
	}
	a.pic.Complete = true
	for _, s := range a.parser.sets {
		brought := slices.ContainsFunc(a.sets, func(unit []byte) bool { return bytes.Equal(unit, s.unit) })
		a.pic.Complete = a.pic.Complete && brought
	}
	return a.pic, nil
}
