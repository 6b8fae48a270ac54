package gsf_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/gsf"
)

func TestAccepted(t *testing.T) {
	t.Parallel()
	start := int64(len(opening(9)))
	end := start + int64(len(plain(9)))
	unknown := blk("zzzz", []byte("unknown!"))
	tests := map[string]struct {
		file     []byte
		grains   int
		warnings []gsf.Warning
	}{
		"nothing but a header": {cat(opening(9), terminator()), 0, nil},
		"any minor":            {cat(fileStart(9, 5), head(segm(1, -1)), plain(9), terminator()), 1, nil},
		"no terminator":        {cat(opening(9), plain(9)), 1, []gsf.Warning{{gsf.WarnNoTerminator, end, 0}}},
		"terminator of size 8": {cat(opening(9), plain(9), []byte("grai"), le32(8)), 1,
			[]gsf.Warning{{gsf.WarnShortTerminator, end, 0}}},
		"junk after terminator": {cat(opening(9), plain(9), terminator(), []byte("junk")), 1,
			[]gsf.Warning{{gsf.WarnJunk, end + 8, 0}}},
		"zeros after terminator": {cat(opening(9), plain(9), terminator(), make([]byte, 100)), 1,
			[]gsf.Warning{{gsf.WarnJunk, end + 8, 0}}},
		"text after terminator": {cat(opening(9), plain(9), terminator(), []byte("some more text\n")), 1,
			[]gsf.Warning{{gsf.WarnJunk, end + 8, 0}}},
		"block after terminator": {cat(opening(9), plain(9), terminator(), blk("fill", []byte("x"))), 1, nil},
		"grain after terminator": {cat(opening(9), plain(9), terminator(), plain(9), plain(9)), 3,
			[]gsf.Warning{{gsf.WarnAfterTerminator, end + 8, 1}}},
		"undeclared local id": {cat(opening(9), grai(2, gbhd(9), grdt("")), grai(2, gbhd(9), grdt("")), terminator()), 2,
			[]gsf.Warning{{gsf.WarnUndeclared, start, 2}}},
		"count": {cat(fileStart(9, 0), head(segm(1, 2)), plain(9), terminator()), 1,
			[]gsf.Warning{{gsf.WarnCount, end + 8, 1}}},
		"no grdt": {cat(opening(9), grai(1, gbhd(9)), plain(9), terminator()), 2, nil},
		// The reference searches past the grain here.
		"no grdt but unknown": {cat(opening(9), grai(1, gbhd(9), unknown), plain(9), terminator()), 2, nil},
		"unknown everywhere": {cat(fileStart(9, 0), unknown, head(unknown, segm(1, -1, unknown), unknown), unknown,
			grai(1, gbhd(9, unknown, video(unknown, comp(), unknown), unknown), unknown, grdt("abcd"), unknown),
			unknown, terminator(), unknown), 1, nil},
		"longer leaves": {cat(fileStart(9, 0), head(segm(1, -1), blk("tag ", vstr("k"), vstr("v"), []byte("more"))),
			grai(1, gbhd(9, blk("aghd", le32(2), le16(2), le32(1, 48000), []byte("more"))), grdt("")), terminator()), 1, nil},
		"flow in major 7": {cat(fileStart(7, 0), head(segm(1, -1, flowBlock("", ""))), plain(7), terminator()), 1, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, grains, err := read(t, test.file)
			require.NoError(t, err)
			require.Len(t, grains, test.grains)
			require.Equal(t, test.warnings, r.Warnings())
			for way, err := range readAllWays(test.file) {
				require.NoError(t, err, way)
			}
		})
	}
}

// first is the offset of the first grain after opening.
const first = 77

// broken gives a file with another word at an offset.
func broken(at int, value uint32, file []byte) []byte {
	copy(file[at:], le32(value))
	return file
}

// refused is a file, why it must be refused, and where.
type refused struct {
	file   []byte
	err    error
	offset int64
}

func (r refused) check(t *testing.T) {
	t.Helper()
	for way, err := range readAllWays(r.file) {
		require.ErrorIs(t, err, r.err, way)
		var fault *gsf.Error
		require.ErrorAs(t, err, &fault, way)
		require.Equal(t, r.offset, fault.Offset, "%s: %v", way, err)
	}
}

func TestRefusedHeaders(t *testing.T) {
	t.Parallel()
	tests := map[string]refused{
		"empty":               {nil, gsf.ErrTruncated, 0},
		"another file":        {[]byte("RIFF....WAVEfmt "), gsf.ErrNotGSF, 0},
		"short other file":    {[]byte("RI"), gsf.ErrNotGSF, 0},
		"major 10":            {cat(fileStart(10, 0), head()), gsf.ErrVersion, 8},
		"major 6":             {cat(fileStart(6, 0), head()), gsf.ErrVersion, 8},
		"grain before head":   {cat(fileStart(9, 0), plain(9)), gsf.ErrOrder, 12},
		"short head":          {cat(fileStart(9, 0), blk("head", make([]byte, 22))), gsf.ErrBlockSize, 16},
		"spare bytes in head": {cat(fileStart(9, 0), head([]byte("spare"))), gsf.ErrBlockSize, 43},
		"short segm":          {cat(fileStart(9, 0), head(blk("segm", make([]byte, 25)))), gsf.ErrBlockSize, 47},
		"spare bytes in segm": {cat(fileStart(9, 0), head(segm(1, 0, []byte("spare")))), gsf.ErrBlockSize, 77},
		"child beyond head":   {broken(47, 35, cat(fileStart(9, 0), head(segm(1, 0)))), gsf.ErrBlockSize, 47},
		"same local id":       {cat(fileStart(9, 0), head(segm(1, 0), segm(1, 0))), gsf.ErrDuplicate, 85},
		"two flows":           {cat(fileStart(9, 0), head(segm(1, 0, flowBlock("", ""), flowBlock("", "")))), gsf.ErrDuplicate, 185},
		"long document":       {broken(181, 1, cat(fileStart(9, 0), head(segm(1, 0, flowBlock("", ""))))), gsf.ErrBlockSize, 181},
		"short flow":          {cat(fileStart(9, 0), head(segm(1, 0, blk("flow", make([]byte, 99))))), gsf.ErrBlockSize, 81},
		"short tag":           {cat(fileStart(9, 0), head(blk("tag ", vstr("key")))), gsf.ErrBlockSize, 47},
		"long key":            {cat(fileStart(9, 0), head(blk("tag ", le16(500), vstr("")))), gsf.ErrBlockSize, 47},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t)
		})
	}
}

func TestRefusedGrains(t *testing.T) {
	t.Parallel()
	grain := func(children ...[]byte) []byte { return cat(opening(9), grai(1, children...), terminator()) }
	tests := map[string]refused{
		"grain of size 7":      {broken(first+4, 7, grain(gbhd(9))), gsf.ErrBlockSize, first + 4},
		"grain of size 8":      {broken(first+4, 8, grain(gbhd(9))), gsf.ErrBlockSize, first + 4},
		"grain of size 17":     {broken(first+4, 17, grain(gbhd(9))), gsf.ErrBlockSize, first + 4},
		"grain without header": {grain(), gsf.ErrBlockSize, first + 4},
		"grdt before gbhd":     {grain(grdt("abcd"), gbhd(9, audio())), gsf.ErrOrder, first + 10},
		"unknown before gbhd":  {grain(blk("zzzz"), gbhd(9)), gsf.ErrOrder, first + 10},
		"gbhd beyond grain":    {broken(first+14, 79, grain(gbhd(9))), gsf.ErrBlockSize, first + 14},
		"gbhd of size 0":       {broken(first+14, 0, grain(gbhd(9))), gsf.ErrBlockSize, first + 14},
		"short gbhd":           {grain(blk("gbhd", make([]byte, 69))), gsf.ErrBlockSize, first + 14},
		"two gbhd":             {grain(gbhd(9), gbhd(9)), gsf.ErrDuplicate, first + 88},
		"two grdt":             {grain(gbhd(9), grdt("a"), grdt("b")), gsf.ErrDuplicate, first + 97},
		"grdt beyond grain":    {broken(first+92, 13, grain(gbhd(9), grdt("abcd"))), gsf.ErrBlockSize, first + 92},
		"grdt of size 3":       {broken(first+92, 3, grain(gbhd(9), grdt("abcd"))), gsf.ErrBlockSize, first + 92},
		"spare bytes in grain": {grain(gbhd(9), []byte("spare")), gsf.ErrBlockSize, first + 88},
		"spare bytes in gbhd":  {grain(gbhd(9, []byte("spare"))), gsf.ErrBlockSize, first + 88},
		"two essence headers":  {grain(gbhd(9, audio(), event())), gsf.ErrDuplicate, first + 88 + 22},
		"two label lists":      {grain(gbhd(9, labels(), labels())), gsf.ErrDuplicate, first + 88 + 68},
		"two component lists":  {grain(gbhd(9, video(comp(), comp()))), gsf.ErrDuplicate, first + 88 + 44 + 58},
		"short vghd":           {grain(gbhd(9, blk("vghd", make([]byte, 35)))), gsf.ErrBlockSize, first + 92},
		"short cghd":           {grain(gbhd(9, blk("cghd", make([]byte, 28)))), gsf.ErrBlockSize, first + 92},
		"short aghd":           {grain(gbhd(9, blk("aghd", make([]byte, 13)))), gsf.ErrBlockSize, first + 92},
		"short cahd":           {grain(gbhd(9, blk("cahd", make([]byte, 21)))), gsf.ErrBlockSize, first + 92},
		"short eghd":           {grain(gbhd(9, blk("eghd"))), gsf.ErrBlockSize, first + 92},
		"labels missing":       {grain(gbhd(9, blk("tils", le16(1)))), gsf.ErrBlockSize, first + 92},
		"no label count":       {grain(gbhd(9, blk("tils"))), gsf.ErrBlockSize, first + 92},
		"components missing":   {grain(gbhd(9, video(blk("comp", le16(9))))), gsf.ErrBlockSize, first + 92 + 44},
		"offsets missing":      {grain(gbhd(9, codedVideo(0, 0, blk("unof", le16(9))))), gsf.ErrBlockSize, first + 92 + 37},
		"spare bytes in vghd":  {grain(gbhd(9, video([]byte("spare")))), gsf.ErrBlockSize, first + 88 + 44},
		"zeros for a grain":    {cat(opening(9), make([]byte, 40)), gsf.ErrBlockSize, first + 4},
		"bad second header":    {cat(opening(9), terminator(), []byte("SSBBgrzz    ")), gsf.ErrNotGSF, first + 8},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t)
		})
	}
}

func TestErrorTexts(t *testing.T) {
	t.Parallel()
	_, err := gsf.NewBytesReader([]byte("nonsense, not a file"), gsf.Options{})
	require.EqualError(t, err, "gsf: at byte 0: not a grain sequence file")
	_, _, err = read(t, cat(opening(9), plain(9)[:60]))
	require.EqualError(t, err, `gsf: at byte 137, in block "grai" that starts at 77: input ends inside a block`)
	require.Equal(t, "no terminator at byte 12", gsf.Warning{Code: gsf.WarnNoTerminator, Offset: 12}.String())
	require.Equal(t, "undeclared local id at byte 12, local id 3", gsf.Warning{Code: gsf.WarnUndeclared, Offset: 12, LocalID: 3}.String())
	for code := gsf.WarnNoTerminator; code <= gsf.WarnFarSync; code++ {
		require.NotContains(t, code.String(), "warning")
	}
	require.Equal(t, "warning 99", gsf.WarningCode(99).String())
}
