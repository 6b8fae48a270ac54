package h264

import (
	"errors"
	"fmt"
)

// startCodeSize is the length of the start codes that ToAnnexB writes; all are
// 00 00 00 01, so that offsets alone give the borders of units.
const startCodeSize = 4

// MaxUnits is the greatest number of units that GSF's unof block can count.
const MaxUnits = 0xffff

// ErrTooManyUnits says that a picture has more units than GSF can count.
var ErrTooManyUnits = errors.New("more than 65535 NAL units in one picture")

// ErrOffsets says that unit offsets do not describe the data they came with.
var ErrOffsets = errors.New("unit offsets do not fit the picture")

// ToAnnexB appends the sample to dst as a byte stream, with the units in inject
// put before its first unit, or behind it where that is an access unit
// delimiter, which must stay first (H.264 7.4.1.2.3). Offsets are those of the
// start codes, counted from the end of dst as it was passed. Nothing is lost:
// units of no length and trailing zeros are kept. It returns the extended dst,
// the offsets, and how many units were injected; errors are ErrFraming,
// ErrLengthSize and ErrTooManyUnits.
func ToAnnexB(dst, sample []byte, lengthSize int, inject [][]byte) (data []byte, unitOffsets []uint32, injectedUnits int, err error) {
	base := len(dst)
	put := func(unit []byte) error {
		if len(unitOffsets) == MaxUnits {
			return ErrTooManyUnits
		}
		unitOffsets = append(unitOffsets, uint32(len(dst)-base))
		dst = append(append(dst, 0, 0, 0, 1), unit...)
		return nil
	}
	putSets := func() error {
		for _, set := range inject {
			if err := put(set); err != nil {
				return err
			}
		}
		injectedUnits, inject = len(inject), nil
		return nil
	}
	err = EachAVCC(sample, lengthSize, func(unit []byte) error {
		delimiter := len(unitOffsets) == 0 && TypeOf(unit) == UnitAUD
		if inject != nil && !delimiter {
			if err := putSets(); err != nil {
				return err
			}
		}
		return put(unit)
	})
	if err == nil && inject != nil {
		err = putSets()
	}
	if err != nil {
		return dst[:base], nil, 0, err
	}
	return dst, unitOffsets, injectedUnits, nil
}

// ToAVCC appends to dst the sample that ToAnnexB was given, leaving out the
// units that it had injected. It returns ErrOffsets when the offsets do not
// describe the data, and ErrLengthSize.
func ToAVCC(dst, data []byte, unitOffsets []uint32, injected, lengthSize int) ([]byte, error) {
	if lengthSize != 1 && lengthSize != 2 && lengthSize != 4 {
		return dst, fmt.Errorf("%d bytes: %w", lengthSize, ErrLengthSize)
	}
	if injected < 0 || injected > len(unitOffsets) || (len(unitOffsets) == 0 && len(data) > 0) {
		return dst, fmt.Errorf("%d units, %d of them injected, in %d bytes: %w", len(unitOffsets), injected, len(data), ErrOffsets)
	}
	base := len(dst)
	skipFrom := 0
	for i := range unitOffsets {
		unit, err := unitAt(data, unitOffsets, i)
		if err != nil {
			return dst[:base], err
		}
		if i == 0 && TypeOf(unit) == UnitAUD {
			skipFrom = 1
		}
		if i >= skipFrom && i < skipFrom+injected {
			continue
		}
		if uint64(len(unit))>>(8*lengthSize) != 0 {
			return dst[:base], fmt.Errorf("unit of %d bytes with %d-byte lengths: %w", len(unit), lengthSize, ErrOffsets)
		}
		for shift := 8 * (lengthSize - 1); shift >= 0; shift -= 8 {
			dst = append(dst, byte(len(unit)>>shift))
		}
		dst = append(dst, unit...)
	}
	return dst, nil
}

// unitAt returns a unit of a byte stream without its start code.
func unitAt(data []byte, unitOffsets []uint32, i int) ([]byte, error) {
	offset, end := unitOffsets[i], uint64(len(data))
	if i+1 < len(unitOffsets) {
		end = uint64(unitOffsets[i+1])
	}
	begin := uint64(offset) + startCodeSize
	if (i == 0 && offset != 0) || end < begin || end > uint64(len(data)) {
		return nil, fmt.Errorf("unit %d at %d of %d bytes: %w", i, offset, len(data), ErrOffsets)
	}
	return data[begin:end], nil
}
