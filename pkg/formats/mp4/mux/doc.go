// Package mux writes MP4, QuickTime and fragmented MP4 files from stored grains.
//
// A file is laid out before any essence is there: sizes and times of samples
// follow from the grain index ([VideoTrack], [AACTrack], [PCMTrack]), so [New]
// gives the moov box and the order of samples, and a [Writer] then streams them
// with the moov in front. Edit lists show exactly the window that was asked for;
// the movie's time scale is the least common multiple of the tracks', so that
// they do it without rounding (media rule 13).
//
// Samples of H.264 always have 4-byte lengths. Parameter sets that were injected
// when the source was read are taken out again where they are those of the sample
// entry, so that a file gives back the bytes of the file it came from.
package mux
