// Package formattest is the conformance suite of file formats. A format passes it
// by one call:
//
//	formattest.Run(t, formattest.Suite{Format: wav.Format{}, Files: files, Broken: broken})
//
// The suite takes each file through the three layers as the services do: what
// Probe and Plan found goes through its wire form, every chunk is read alone, and
// the grains become objects by the code that the reader service uses. It then
// holds what came out against the rules that all formats share: time without
// accumulation, chunks and segments without gap or overlap, bytes fetched once,
// the same bytes from a repeated chunk, and a named fault for whatever is wrong.
package formattest
