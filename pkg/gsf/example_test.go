package gsf_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Example writes a file of two grains and reads it again.
func Example() {
	flow := uuid.MustParse("41111111-2222-4333-8444-555555555555")
	rate := mediatime.NewRate(25, 1)

	var file bytes.Buffer
	w, err := gsf.NewWriter(&file, &gsf.Header{Segments: []gsf.Segment{{LocalID: 1, Count: 2}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for n := range int64(2) {
		_, err := w.WriteGrain(&gsf.Grain{
			LocalID: 1,
			FlowID:  flow,
			Origin:  rate.Offset(n),
			Rate:    gsf.Rational{Num: 25, Den: 1},
			Kind:    gsf.KindAudio,
			Audio:   gsf.Audio{Format: gsf.AudioS16Interleaved, Channels: 1, Samples: 2, SampleRate: 50},
			Data:    []byte{1, 0, 2, 0},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := w.Close(); err != nil {
		fmt.Println(err)
		return
	}

	r, err := gsf.NewBytesReader(file.Bytes(), gsf.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for g := new(gsf.Grain); ; {
		if err := r.Next(g); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(g.Origin, g.Kind, g.Audio.Format, len(g.Data))
	}
	// Output:
	// 0:0 audio S16_INTERLEAVED 4
	// 0:40000000 audio S16_INTERLEAVED 4
}
