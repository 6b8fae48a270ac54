// Command gsf measures the Grain Sequence Format on one core, prints a table and
// writes bench/gsf.json. With -short it takes less than three seconds.
//
// What is measured, the first two as the best of several rounds and the last as
// the median of many:
//
//   - small_decode_grains_per_s: audio grains of 6 kB in 60 MB of memory, all
//     headers decoded, essence given as a part of that memory and not touched.
//   - small_encode_grains_per_s: headers of such grains, each with its own time,
//     made and put into a list of buffers with the essence between them, ready for
//     writev. Essence is not copied.
//   - large_encode_ratio_to_write: time of writing 1080-line frames of 10-bit
//     planar 4:2:2 to a file, header bytes made beforehand, by the time that the
//     Writer takes for the same bytes. Both make the same system calls on the same
//     file in the temporary folder, in turns, over bytes that are already there,
//     so that neither waits for the disk to grow the file.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"slices"
	"time"

	"github.com/grainmesh/grainmesh/integration/bench"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

const (
	smallGrain  = 6_000 // bytes
	smallGrains = 10_000
	width       = 1920 // pixels
	height      = 1080 // lines
)

// largeGrains is how many frames one round writes. It is small and the rounds are
// many, so that most pairs of rounds meet the machine in the same mood.
const largeGrains = 4

// effort is how much is measured.
type effort struct {
	rounds int
	repeat int // of the small grains per round
	large  int // rounds of large grains
}

func main() {
	short := flag.Bool("short", false, "take less than three seconds")
	flag.Parse()
	e := effort{rounds: 15, repeat: 50, large: 400}
	if *short {
		e = effort{rounds: 5, repeat: 10, large: 100}
	}
	if err := run(e, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench gsf:", err)
		os.Exit(1)
	}
}

func run(e effort, out io.Writer) error {
	decode, err := decodeSmall(e)
	if err != nil {
		return err
	}
	encode, err := encodeSmall(e)
	if err != nil {
		return err
	}
	toWrite, err := writeLarge(e)
	if err != nil {
		return err
	}
	report := bench.New("gsf")
	report.Add("small_decode_grains_per_s", decode, "grains/s", bench.AtLeast(3e6))
	report.Add("small_encode_grains_per_s", encode, "grains/s", bench.AtLeast(2e6))
	report.Add("large_encode_ratio_to_write", toWrite, "plain/encoded", bench.AtLeast(0.9))
	return report.Finish(out)
}

// best runs a measurement several times and gives the least time it took.
func best(rounds int, measure func() error) (time.Duration, error) {
	least := time.Duration(math.MaxInt64)
	for range rounds {
		begin := time.Now()
		if err := measure(); err != nil {
			return 0, err
		}
		least = min(least, time.Since(begin))
	}
	return least, nil
}

func perSecond(n int, d time.Duration) float64 { return float64(n) / d.Seconds() }

func header() *gsf.Header {
	return &gsf.Header{Segments: []gsf.Segment{{LocalID: 1, Count: gsf.CountUnknown}}}
}

func audioGrain() *gsf.Grain {
	return &gsf.Grain{
		LocalID:  1,
		SourceID: [16]byte{1},
		FlowID:   [16]byte{2},
		Rate:     gsf.Rational{Num: 48, Den: 1},
		Duration: gsf.Rational{Num: 1, Den: 48},
		Kind:     gsf.KindAudio,
		Audio:    gsf.Audio{Format: gsf.AudioS24Interleaved, Channels: 2, Samples: 1000, SampleRate: 48000},
		Data:     make([]byte, smallGrain),
	}
}

func decodeSmall(e effort) (float64, error) {
	file, err := smallFile()
	if err != nil {
		return 0, err
	}
	var g gsf.Grain
	took, err := best(e.rounds, func() error {
		for range e.repeat {
			if err := decodeAll(file, &g); err != nil {
				return err
			}
		}
		return nil
	})
	return perSecond(smallGrains*e.repeat, took), err
}

func smallFile() ([]byte, error) {
	file, err := gsf.AppendHeader(nil, header())
	if err != nil {
		return nil, fmt.Errorf("make a file: %w", err)
	}
	g := audioGrain()
	for n := range smallGrains {
		g.Origin = mediatime.NewRate(48, 1).Offset(int64(n))
		if file, err = gsf.AppendGrainHeader(file, gsf.Major9, g, len(g.Data)); err != nil {
			return nil, fmt.Errorf("make a file: %w", err)
		}
		file = append(file, g.Data...)
	}
	return gsf.AppendTerminator(file), nil
}

// errLost says that the decoder did not find all grains.
var errLost = errors.New("grains are missing")

func decodeAll(file []byte, g *gsf.Grain) error {
	r, err := gsf.NewBytesReader(file, gsf.Options{})
	if err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	found := 0
	for err = r.Next(g); err == nil; err = r.Next(g) {
		found++
	}
	if !errors.Is(err, io.EOF) {
		return fmt.Errorf("decode: %w", err)
	}
	if found != smallGrains {
		return fmt.Errorf("decode: %d of %d grains: %w", found, smallGrains, errLost)
	}
	return nil
}

func encodeSmall(e effort) (float64, error) {
	const batch = 500 // grains in a list: half the most buffers that writev takes
	g := audioGrain()
	headers := make([]byte, 0, batch*gsf.GrainOverhead(gsf.Major9, g))
	list := make(net.Buffers, 0, 2*batch)
	n := int64(0)
	rate := mediatime.NewRate(48, 1)
	took, err := best(e.rounds, func() error {
		for range e.repeat * smallGrains / batch {
			headers, list = headers[:0], list[:0]
			for range batch {
				g.Origin = rate.Offset(n)
				n++
				begin := len(headers)
				var err error
				if headers, err = gsf.AppendGrainHeader(headers, gsf.Major9, g, len(g.Data)); err != nil {
					return fmt.Errorf("encode: %w", err)
				}
				list = append(list, headers[begin:], g.Data)
			}
		}
		return nil
	})
	return perSecond(smallGrains*e.repeat, took), err
}

func writeLarge(e effort) (float64, error) {
	f, err := os.CreateTemp("", "grainmesh-bench-*.gsf")
	if err != nil {
		return 0, fmt.Errorf("make a file: %w", err)
	}
	result, err := compareWrites(e, f)
	return result, errors.Join(err, f.Close(), os.Remove(f.Name()))
}

func compareWrites(e effort, f *os.File) (float64, error) {
	g, err := videoGrain()
	if err != nil {
		return 0, err
	}
	first, err := gsf.AppendHeader(nil, header())
	if err != nil {
		return 0, fmt.Errorf("make a header: %w", err)
	}
	each, err := gsf.AppendGrainHeader(nil, gsf.Major9, g, len(g.Data))
	if err != nil {
		return 0, fmt.Errorf("make a header: %w", err)
	}
	plain := func() error { return plainWrite(f, first, each, g.Data) }
	encoded := func() error { return encodedWrite(f, g) }
	if err := plain(); err != nil { // makes the file as long as it will be
		return 0, err
	}
	return ratio(e.large, plain, encoded)
}

// ratio runs two measurements in turns, each first in every other round, and gives
// the median of the times of one divided by those of the other. What else the
// machine does mostly slows both of a round.
func ratio(rounds int, one, other func() error) (float64, error) {
	ratios := make([]float64, 0, rounds)
	for n := range rounds {
		first, second := one, other
		if n%2 == 1 {
			first, second = other, one
		}
		firstTook, err := best(1, first)
		if err != nil {
			return 0, err
		}
		secondTook, err := best(1, second)
		if err != nil {
			return 0, err
		}
		if n%2 == 1 {
			firstTook, secondTook = secondTook, firstTook
		}
		ratios = append(ratios, firstTook.Seconds()/secondTook.Seconds())
	}
	slices.Sort(ratios)
	return ratios[rounds/2], nil
}

func videoGrain() (*gsf.Grain, error) {
	components, err := gsf.FrameS16x422x10.Components(width, height)
	if err != nil {
		return nil, fmt.Errorf("lay out a frame: %w", err)
	}
	return &gsf.Grain{
		LocalID:  1,
		SourceID: [16]byte{1},
		FlowID:   [16]byte{2},
		Rate:     gsf.Rational{Num: 25, Den: 1},
		Duration: gsf.Rational{Num: 1, Den: 25},
		Kind:     gsf.KindVideo,
		Video: gsf.Video{
			Format: gsf.FrameS16x422x10, Width: width, Height: height, Components: components,
		},
		Data: make([]byte, gsf.DataSize(components)),
	}, nil
}

// plainWrite writes what encodedWrite does, of bytes that are ready.
func plainWrite(f *os.File, first, each, data []byte) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("rewind: %w", err)
	}
	begin := append(append([]byte(nil), first...), each...)
	for range largeGrains {
		if _, err := f.Write(begin); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		if _, err := f.Write(data); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		begin = each
	}
	if _, err := f.Write(gsf.AppendTerminator(nil)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func encodedWrite(f *os.File, g *gsf.Grain) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("rewind: %w", err)
	}
	w, err := gsf.NewWriter(f, header())
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	for n := range largeGrains {
		g.Origin = mediatime.NewRate(25, 1).Offset(int64(n))
		if _, err := w.WriteGrain(g); err != nil {
			return fmt.Errorf("encode: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	return nil
}
