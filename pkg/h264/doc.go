// Package h264 reads facts out of H.264 bitstreams (ITU-T H.264, ISO/IEC
// 14496-10) and moves pictures between the two ways of framing them.
//
// What it answers about a picture: whether decoding can start there and how
// (see [RAP]), whether other pictures need it, its place in output order, and
// whether it is a frame or fields. The answers come from slice headers and SEI,
// because containers are often wrong: ffmpeg, for one, lists the recovery
// points of an intra-refresh stream as sync samples.
//
// What it promises about framing: [ToAVCC] gives back exactly the bytes that
// [ToAnnexB] took. Parameter sets that were put in front of a random access
// point are counted, and unit borders are kept as offsets, so that neither
// zero-length units nor trailing zeros nor start codes inside a unit are lost.
//
// The parsers are our own and not mp4ff's, which allocate what the stream asks
// for (offset_for_ref_frame, cpb_cnt), do not report memory management
// operation 5 and build several objects per slice; here no input allocates more
// than a few kilobytes, and reading a slice header allocates nothing.
package h264
