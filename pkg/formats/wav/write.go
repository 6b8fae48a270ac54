package wav

import (
	"encoding/binary"
	"math"

	"github.com/grainmesh/grainmesh/pkg/media"
)

// Sizes of the bodies of "fmt " and ds64.
const (
	fmtPlain      = 16
	fmtExtensible = 40
	ds64Body      = 28
)

// subFormat ends the GUID of a WAVE_FORMAT_EXTENSIBLE format, which starts with the
// plain format's tag.
const subFormat = "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"

// AppendHeader appends all of a WAV file that stands before its samples, of which
// each channel has the given number. The samples follow as the store has them:
// little-endian, interleaved; and a zero byte if their size is odd. Files from 4 GiB
// on are RF64 (EBU Tech 3306).
func AppendHeader(dst []byte, audio *media.Audio, samples int64) []byte {
	frame := audio.BytesPerSample() * audio.Channels
	data := samples * int64(frame)
	tag, extensible := tagPCM, audio.Channels > 2 || audio.BytesPerSample() > 2
	if audio.Float {
		tag, extensible = tagFloat, audio.Channels > 2
	}
	body := fmtPlain
	if extensible {
		body = fmtExtensible
	}
	riff := int64(len(idWAVE)+chunkHeader+body+chunkHeader) + data + data&1
	le := binary.LittleEndian
	if riff < math.MaxUint32 {
		dst = le.AppendUint32(append(dst, idRIFF...), uint32(riff))
		dst = append(dst, idWAVE...)
	} else {
		dst = le.AppendUint32(append(dst, idRF64...), unknown32)
		dst = append(dst, idWAVE...)
		dst = le.AppendUint32(append(dst, idDS64...), ds64Body)
		dst = le.AppendUint64(dst, uint64(riff+chunkHeader+ds64Body))
		dst = le.AppendUint64(dst, uint64(data))
		dst = le.AppendUint64(dst, uint64(samples))
		dst = le.AppendUint32(dst, 0) // no table of further chunks
		data = unknown32
	}
	dst = le.AppendUint32(append(dst, idFmt...), uint32(body))
	dst = appendFormat(dst, audio, tag, extensible)
	return le.AppendUint32(append(dst, idData...), uint32(data))
}

// appendFormat appends the body of "fmt ".
func appendFormat(dst []byte, audio *media.Audio, tag int, extensible bool) []byte {
	le := binary.LittleEndian
	outer := tag
	if extensible {
		outer = tagExtensible
	}
	bytes := audio.BytesPerSample()
	dst = le.AppendUint16(dst, uint16(outer))
	dst = le.AppendUint16(dst, uint16(audio.Channels))
	dst = le.AppendUint32(dst, uint32(audio.SampleRate))
	dst = le.AppendUint32(dst, uint32(audio.SampleRate*bytes*audio.Channels))
	dst = le.AppendUint16(dst, uint16(bytes*audio.Channels))
	dst = le.AppendUint16(dst, uint16(8*bytes))
	if !extensible {
		return dst
	}
	valid := audio.BitDepth
	if valid <= 0 || valid > 8*bytes {
		valid = 8 * bytes
	}
	dst = le.AppendUint16(dst, fmtExtensible-fmtPlain-2)
	dst = le.AppendUint16(dst, uint16(valid))
	dst = le.AppendUint32(dst, 0) // channels in no particular place
	dst = le.AppendUint16(dst, uint16(tag))
	return append(dst, subFormat...)
}
