package gsf_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/gsf"
)

const (
	smallGrain = 6_000     // bytes: 20 ms of 24-bit stereo and a little
	largeGrain = 8_294_400 // bytes: a 1080-line frame of planar 4:2:2 in 10 bits
	inMemory   = 1_000     // small grains decoded over and over
)

func smallFile() []byte {
	grain := grai(1, gbhd(9, audio()), grdt(string(make([]byte, smallGrain))))
	return cat(opening(9), bytes.Repeat(grain, inMemory), terminator())
}

func BenchmarkDecodeSmall(b *testing.B) {
	file := smallFile()
	var g gsf.Grain
	for done := 0; done < b.N; {
		r, err := gsf.NewBytesReader(file, gsf.Options{})
		require.NoError(b, err)
		for ; done < b.N && r.Next(&g) == nil; done++ {
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "grains/s")
}

func BenchmarkDecodeSmallStream(b *testing.B) {
	file := smallFile()
	var g gsf.Grain
	for done := 0; done < b.N; {
		r, err := gsf.NewReader(bytes.NewReader(file), gsf.Options{})
		require.NoError(b, err)
		for ; done < b.N && r.Next(&g) == nil; done++ {
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "grains/s")
}

func BenchmarkEncodeSmall(b *testing.B) {
	g := one(b, cat(opening(9), plain(9)))
	header := make([]byte, 0, 1024)
	for b.Loop() {
		out, err := gsf.AppendGrainHeader(header, gsf.Major9, g, smallGrain)
		if err != nil || len(out) == 0 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "grains/s")
}

func BenchmarkWriteSmall(b *testing.B) {
	g := one(b, cat(opening(9), plain(9)))
	g.Data = make([]byte, smallGrain)
	w, err := gsf.NewWriter(io.Discard, newHeader())
	require.NoError(b, err)
	for b.Loop() {
		if _, err := w.WriteGrain(g); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "grains/s")
}

func BenchmarkWriteLarge(b *testing.B) {
	g := one(b, cat(opening(9), grai(1, gbhd(9, video(comp())))))
	g.Data = make([]byte, largeGrain)
	w, err := gsf.NewWriter(io.Discard, newHeader())
	require.NoError(b, err)
	b.SetBytes(largeGrain)
	for b.Loop() {
		if _, err := w.WriteGrain(g); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResync(b *testing.B) {
	file := cat(make([]byte, largeGrain), plain(9), terminator())
	b.SetBytes(largeGrain)
	for b.Loop() {
		if _, ok := gsf.Resync(file, keys()); !ok {
			b.Fatal("not found")
		}
	}
}
