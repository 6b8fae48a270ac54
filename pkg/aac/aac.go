// Package aac reads and writes the AudioSpecificConfig of MPEG-4 audio (ISO/IEC
// 14496-3, 1.6.2.1). The bytes themselves are kept wherever a stream goes: some
// of what they say has no place in ADTS.
package aac

import (
	"errors"
	"fmt"
)

// Audio object types (ISO/IEC 14496-3, table 1.17).
const (
	Main = 1
	LC   = 2
	SSR  = 3
	LTP  = 4
	SBR  = 5
	PS   = 29
)

// ErrConfig says that bytes are no AudioSpecificConfig that is understood here.
var ErrConfig = errors.New("AudioSpecificConfig is not understood")

// Config holds the facts of an AudioSpecificConfig.
type Config struct {
	ObjectType int // of the core coder: LC in HE-AAC too
	SampleRate int // of the core coder
	Channels   int // 0 where a program config element says it
	// Short frames have 960 samples instead of 1024.
	Short bool
	// SBR says that spectral band replication is signalled, which doubles the
	// sample rate to OutputRate; PS that parametric stereo is.
	SBR, PS    bool
	OutputRate int
}

// FrameSamples is the length of a frame at the core's rate.
func (c *Config) FrameSamples() int {
	if c.Short {
		return 960
	}
	return 1024
}

// OutputSamples is the length of a frame at the output's rate.
func (c *Config) OutputSamples() int { return c.FrameSamples() * c.OutputRate / c.SampleRate }

// OutputChannels counts channels after parametric stereo.
func (c *Config) OutputChannels() int {
	if c.PS && c.Channels == 1 {
		return 2
	}
	return c.Channels
}

// Profile names the coding for people: "AAC-LC", "HE-AAC", "HE-AAC v2".
func (c *Config) Profile() string {
	switch {
	case c.PS:
		return "HE-AAC v2"
	case c.SBR:
		return "HE-AAC"
	case c.ObjectType == LC:
		return "AAC-LC"
	}
	return fmt.Sprintf("MPEG-4 audio object type %d", c.ObjectType)
}

// OTI returns the number after "mp4a.40." by which RFC 6381 names the coding.
func (c *Config) OTI() int {
	switch {
	case c.PS:
		return PS
	case c.SBR:
		return SBR
	}
	return c.ObjectType
}

// Parse reads an AudioSpecificConfig. Of the object types it takes those whose
// frames have a fixed length: Main, LC, SSR and LTP, alone or below SBR and PS.
func Parse(b []byte) (*Config, error) {
	r := reader{b: b}
	c := &Config{ObjectType: r.objectType()}
	c.SampleRate = r.rate()
	channels := r.bits(4)
	if c.ObjectType == SBR || c.ObjectType == PS {
		c.SBR, c.PS = true, c.ObjectType == PS
		c.OutputRate = r.rate()
		c.ObjectType = r.objectType()
	}
	if c.ObjectType < Main || c.ObjectType > LTP {
		return nil, fmt.Errorf("audio object type %d: %w", c.ObjectType, ErrConfig)
	}
	if channels < len(channelCounts()) {
		c.Channels = channelCounts()[channels]
	}
	c.Short = r.bits(1) == 1
	if r.bits(1) == 1 {
		r.bits(14) // coreCoderDelay
	}
	r.bits(1) // extensionFlag
	if r.short {
		return nil, fmt.Errorf("%d bytes: %w", len(b), ErrConfig)
	}
	if !c.SBR && channels != 0 {
		r.extension(c)
	}
	if c.OutputRate == 0 {
		c.OutputRate = c.SampleRate
	}
	if c.SampleRate < 1000 || c.OutputRate < c.SampleRate || c.OutputRate > 384_000 {
		return nil, fmt.Errorf("sample rates %d and %d: %w", c.SampleRate, c.OutputRate, ErrConfig)
	}
	return c, nil
}

// channelCounts gives channels by channelConfiguration (table 1.19).
func channelCounts() []int { return []int{0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8} }

// rates lists sample rates by samplingFrequencyIndex (table 1.18).
func rates() []int {
	return []int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}
}

type reader struct {
	b     []byte
	at    int // bit
	short bool
}

func (r *reader) bits(n int) int {
	v := 0
	for range n {
		if r.at>>3 >= len(r.b) {
			r.short = true
			return 0
		}
		v = v<<1 | int(r.b[r.at>>3]>>(7-r.at&7)&1)
		r.at++
	}
	return v
}

func (r *reader) objectType() int {
	if t := r.bits(5); t != 31 {
		return t
	}
	return 32 + r.bits(6)
}

func (r *reader) rate() int {
	index := r.bits(4)
	if index == 15 {
		return r.bits(24)
	}
	if index < len(rates()) {
		return rates()[index]
	}
	return 0
}

// extension reads the backward compatible signalling of SBR and PS that may
// follow (1.6.5.3); where the bytes end before it there is none.
func (r *reader) extension(c *Config) {
	const syncSBR, syncPS = 0x2b7, 0x548
	if r.bits(11) != syncSBR || r.objectType() != SBR || r.bits(1) != 1 {
		return
	}
	rate := r.rate()
	if r.short || rate < c.SampleRate {
		return
	}
	c.SBR, c.OutputRate = true, rate
	c.PS = r.bits(11) == syncPS && r.bits(1) == 1 && !r.short
}
