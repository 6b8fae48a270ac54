// Package flac encodes raw audio as FLAC (RFC 9639), losslessly and fast: fixed
// predictors and Rice coding, which on speech and music come within a tenth of what
// a full encoder reaches.
//
// Frames are encoded one by one and each carries the number of its first sample
// (the variable block size strategy), so that any stretch of a long recording can
// be made on its own and still be the same stream. Encoders of whole files number
// frames from the start of what they are given.
package flac
