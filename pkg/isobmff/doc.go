// Package isobmff reads the index of ISO base media files (ISO/IEC 14496-12) and
// QuickTime movies, and builds their boxes.
//
// It reads box headers, the moov box, and the moof boxes of fragmented files,
// never the payload of mdat, and keeps tables as they stand in the file: a
// [Track] hands out its samples through cursors, so that the 1.7 thousand million
// samples of ten hours of PCM cost no more than their chunk table. Every count is
// checked against the bytes that hold it before anything is allocated or looped
// over.
//
// Errors are faults with the customer to blame: truncated_file where bytes are
// missing, malformed_file where boxes contradict themselves, unsupported_file for
// what is well formed but not handled here.
package isobmff
