package h264

import (
	"errors"
	"fmt"
)

// UnitType is nal_unit_type (H.264 table 7-1).
type UnitType uint8

// The unit types that matter here.
const (
	UnitSlice      UnitType = 1
	UnitPartitionA UnitType = 2
	UnitIDR        UnitType = 5
	UnitSEI        UnitType = 6
	UnitSPS        UnitType = 7
	UnitPPS        UnitType = 8
	UnitAUD        UnitType = 9
	UnitSPSExt     UnitType = 13
)

// TypeOf returns the type of a NAL unit, or 0 of an empty one.
func TypeOf(unit []byte) UnitType {
	if len(unit) == 0 {
		return 0
	}
	return UnitType(unit[0] & 0x1f)
}

// refIDC returns nal_ref_idc of a unit that is not empty.
func refIDC(unit []byte) uint8 { return unit[0] >> 5 & 3 }

// ErrFraming says that the lengths in an AVCC sample do not add up to it.
var ErrFraming = errors.New("unit lengths do not fit the sample")

// ErrLengthSize says that the length fields of an AVCC sample have a size other
// than 1, 2 or 4 bytes (ISO/IEC 14496-15, 5.3.3.1.2).
var ErrLengthSize = errors.New("NAL unit length field is not 1, 2 or 4 bytes")

// EachAVCC calls visit with each NAL unit of a sample whose units are preceded
// by lengths of lengthSize bytes. The units alias the sample. It returns
// ErrLengthSize, ErrFraming, or what visit returned.
func EachAVCC(sample []byte, lengthSize int, visit func(unit []byte) error) error {
	if lengthSize != 1 && lengthSize != 2 && lengthSize != 4 {
		return fmt.Errorf("%d bytes: %w", lengthSize, ErrLengthSize)
	}
	for at := 0; at < len(sample); {
		if len(sample)-at < lengthSize {
			return fmt.Errorf("%d bytes left at offset %d for a length: %w", len(sample)-at, at, ErrFraming)
		}
		var size uint64
		for _, b := range sample[at : at+lengthSize] {
			size = size<<8 | uint64(b)
		}
		at += lengthSize
		if size > uint64(len(sample)-at) {
			return fmt.Errorf("unit of %d bytes at offset %d, %d bytes left: %w", size, at, len(sample)-at, ErrFraming)
		}
		if err := visit(sample[at : at+int(size)]); err != nil {
			return err
		}
		at += int(size)
	}
	return nil
}

// EachAnnexB calls visit with each NAL unit of a byte stream (H.264 annex B),
// without start codes and without trailing zero bytes. The units alias data.
func EachAnnexB(data []byte, visit func(unit []byte) error) error {
	start := nextStartCode(data, 0)
	for start < len(data) {
		begin := start + 3
		end := nextStartCode(data, begin)
		unit := data[begin:end]
		for len(unit) > 0 && unit[len(unit)-1] == 0 {
			unit = unit[:len(unit)-1]
		}
		if err := visit(unit); err != nil {
			return err
		}
		start = end
	}
	return nil
}

// nextStartCode returns the index of the next 00 00 01 at or after from, or
// len(data).
func nextStartCode(data []byte, from int) int {
	for i := from; i+2 < len(data); {
		switch {
		case data[i+2] > 1:
			i += 3
		case data[i] == 0 && data[i+1] == 0 && data[i+2] == 1:
			return i
		default:
			i++
		}
	}
	return len(data)
}
