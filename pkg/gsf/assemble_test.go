package gsf_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/gsf"
)

// The functions here put files together byte by byte from the description of the
// format, without the encoder, so that a fault common to encoder and decoder
// shows.

func le16(v uint16) []byte { return binary.LittleEndian.AppendUint16(nil, v) }
func le32(v ...uint32) []byte {
	var b []byte
	for _, w := range v {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}
func le64(v int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(v)) }

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func blk(tag string, parts ...[]byte) []byte {
	body := cat(parts...)
	return cat([]byte(tag), le32(uint32(len(body)+8)), body)
}

func fixed(s string, n int) []byte { return append([]byte(s), make([]byte, n-len(s))...) }

func vstr(s string) []byte { return cat(le16(uint16(len(s))), []byte(s)) }

// t10 is a time of major 7, t11 one since major 8.
func t10(sec uint64, ns uint32) []byte {
	return cat(le32(uint32(sec)), le16(uint16(sec>>32)), le32(ns))
}
func t11(sign byte, sec uint64, ns uint32) []byte { return cat([]byte{sign}, t10(sec, ns)) }

const (
	fileIDText   = "11111111-2222-4333-8444-555555555555"
	segIDText    = "21111111-2222-4333-8444-555555555555"
	sourceIDText = "31111111-2222-4333-8444-555555555555"
	flowIDText   = "41111111-2222-4333-8444-555555555555"
)

func id(text string) uuid.UUID { return uuid.MustParse(text) }
func idBytes(text string) []byte {
	u := id(text)
	return u[:]
}

// date is 2024-02-29 23:59:58.
func date() []byte { return []byte{0xe8, 0x07, 2, 29, 23, 59, 58} }

func fileStart(major, minor uint16) []byte {
	return cat([]byte("SSBBgrsg"), le16(major), le16(minor))
}

func segm(localID uint16, count int64, children ...[]byte) []byte {
	return blk("segm", le16(localID), idBytes(segIDText), le64(count), cat(children...))
}

func tagBlock(key, value string) []byte { return blk("tag ", vstr(key), vstr(value)) }

func flowBlock(format, document string) []byte {
	return blk("flow", idBytes(sourceIDText), idBytes(flowIDText), fixed(format, 64),
		le32(uint32(len(document))), []byte(document))
}

func head(children ...[]byte) []byte {
	return blk("head", idBytes(fileIDText), date(), cat(children...))
}

// opening is a header with one segment of unknown count.
func opening(major uint16) []byte { return cat(fileStart(major, 0), head(segm(1, -1))) }

func terminator() []byte { return cat([]byte("grai"), le32(0)) }

func gbhd(major uint16, children ...[]byte) []byte {
	if major == 7 {
		return blk("gbhd", idBytes(sourceIDText), idBytes(flowIDText), make([]byte, 16),
			t10(1000, 5), t10(1000, 999_999_999), le32(25, 1), le32(1, 25), cat(children...))
	}
	return blk("gbhd", idBytes(sourceIDText), idBytes(flowIDText),
		t11(1, 1000, 5), t11(1, 1000, 999_999_999), le32(25, 1), le32(1, 25), cat(children...))
}

func grdt(data string) []byte { return blk("grdt", []byte(data)) }

func grai(localID uint16, children ...[]byte) []byte {
	return blk("grai", le16(localID), cat(children...))
}

// plain is a grain of two channels of audio in one sample.
func plain(major uint16) []byte { return grai(1, gbhd(major, audio()), grdt("abcd")) }

func audio() []byte { return blk("aghd", le32(2), le16(2), le32(1, 48000)) }

func labels() []byte {
	return blk("tils", le16(2),
		fixed("timecode #1", 16), le32(107892, 30000, 1001), []byte{1},
		[]byte("a name longer th"), le32(5, 25, 1), []byte{0})
}

func video(children ...[]byte) []byte {
	return blk("vghd", le32(0x2805, 1, 48, 4, 0), le32(16, 9), le32(0, 1), cat(children...))
}

func comp() []byte {
	return blk("comp", le16(3), le32(48, 4, 96, 384), le32(24, 4, 48, 192), le32(24, 4, 48, 192))
}

func codedVideo(key byte, offset uint32, children ...[]byte) []byte {
	return blk("cghd", le32(0x204, 0, 1920, 1080, 1920, 1088), []byte{key}, le32(offset), cat(children...))
}

func unof() []byte { return blk("unof", le16(3), le32(0, 6, 34)) }

func codedAudio() []byte { return blk("cahd", le32(0x201), le16(2), le32(1024, 1024, 7, 48000)) }

func event() []byte { return blk("eghd", []byte{0}) }

// read decodes all of a file from memory.
func read(t testing.TB, b []byte) (*gsf.Reader, []*gsf.Grain, error) {
	t.Helper()
	r, err := gsf.NewBytesReader(b, gsf.Options{})
	if err != nil {
		return nil, nil, err
	}
	grains, err := drain(r)
	return r, grains, err
}

// one decodes the single grain of a file.
func one(t testing.TB, b []byte) *gsf.Grain {
	t.Helper()
	_, grains, err := read(t, b)
	require.NoError(t, err)
	require.Len(t, grains, 1)
	return grains[0]
}
