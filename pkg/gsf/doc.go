// Package gsf reads and writes the Grain Sequence Format, the container of BBC
// R&D's media systems in which a file is a run of grains, each with its own
// identity and time. It is an independent implementation of majors 7, 8 and 9.
//
// A file is a header and then grains of all segments in any order:
//
//	"SSBB" "grsg" major minor
//	head            file id, date
//	  segm ...      local id, segment id, count, flow, tags
//	  tag  ...      tags of the file
//	grai ...        one per grain
//	  gbhd          ids, times, rate, duration
//	    tils        time labels
//	    vghd|cghd|aghd|cahd|eghd   the essence header; none in an empty grain
//	  grdt          the essence
//	grai size 0     the terminator
//
// # Reading
//
// [NewReader] streams, [NewBytesReader] decodes memory without copying, and
// [NewIndexReader] walks a file of any size without reading its essence. All
// three give a [Reader], whose Next fills a [Grain] that the caller may use
// again. [DecodeGrain] decodes a single block that was fetched by its byte range
// and [Resync] finds a grain in the middle of a file.
//
// The Reader is stricter than the reference decoder: whatever is cut off or does
// not fit its parent is an [Error] that carries the byte offset. What is odd but
// harmless (a missing terminator, an undeclared local id) is a [Warning].
// Concatenated files are one stream whose [Header] changes on the way.
//
// # Writing
//
// [Writer] writes whole files and patches the grain counts at the end when the
// output can seek. [AppendHeader], [AppendGrainHeader] and [AppendTerminator]
// give the bytes around the essence only, so that it can be sent by writev, or be
// placed by the caller. [HeaderSize] and [GrainOverhead] give sizes beforehand.
//
// Everything in the format is little-endian but UUIDs, which are in the order of
// RFC 4122.
package gsf
