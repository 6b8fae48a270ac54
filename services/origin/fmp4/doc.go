// Package fmp4 writes the two kinds of resource that HLS calls fragmented MPEG-4
// (RFC 8216, 3.3): media initialization sections, and media segments of one track.
//
// It writes few boxes and owns all their bytes: a sample entry passes verbatim, and
// times are what the caller says. Everything is ISO/IEC 14496-12; section numbers
// in comments are of its 2022 edition.
package fmp4
