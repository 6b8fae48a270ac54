// Package rangereader reads a file that lies behind http(s):// or s3:// by ranged
// GETs, as if it were a local one. [Reader] is a formats.Input.
//
// Small reads ([Reader.ReadAt]) go through a cache of blocks; neighbouring blocks
// that are missing are fetched by one request, and reading on and on fetches
// ahead. Large reads go straight into the caller's buffer, in parallel ranges, and
// are not kept. [Reader.Stream] hands out a stretch of the file once and in order,
// fetched in parallel with bounded memory.
//
//	ReadAt, small:  blocks --missing ones, neighbours together--> ranged GET --> cache --copy--> p
//	ReadAt, large:  ranges of RangeBytes, in parallel ----------> ranged GET --> p
//	Stream:         ranges of RangeBytes, a few ahead ----------> ranged GET --> Read, WriteTo
//
// The first request is a ranged GET already: it tells size, ETag and type, and its
// bytes are used; there is no HEAD. From then on the file is pinned (RFC 9110,
// section 8.8.1): a request names the ETag that it expects (If-Match), and each
// answer is compared with the first, by ETag, or by Last-Modified where there is
// none, and by size. A difference is a [fault.SourceChanged], which ends the
// Reader for good.
//
// A connection that is cut, that stalls, or that is answered 408, 429 or 5xx is
// tried again, with exponential backoff and jitter, from the byte that was
// reached; only tries in a row without progress count. Everything that goes wrong
// with a source is a fault whose message names the URL, without what may be secret
// in it, and the cause:
//
//	404, 410                         source_not_found
//	401, 403, other 4xx              source_forbidden
//	no answer, 5xx to the last try   source_unreachable
//	a whole large file for a range   source_no_ranges
//	a web page                       source_not_media
//	size 0                           empty_file
//	ranges that contradict themselves malformed_file
package rangereader
