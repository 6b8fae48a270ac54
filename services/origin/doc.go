// Package origin packages any Flow just in time as HLS with fragmented MP4, while it
// is still being written too. Only the ingested form is stored: everything that is
// served is made when asked for, from the index of media-store and ranges of its
// objects, and held in memory for a while.
//
// Its promise: what plays is what was stored. Pictures and AAC frames pass as they
// were in the source file, raw audio becomes FLAC without a changed bit (16 and 24
// bits), and every grain keeps its time: time 0 of the media is the first picture,
// or the first sample where there is no picture. A segment that was listed once
// never changes.
//
//	GetLinks -> main.m3u8 -> media.m3u8 -> init-N.mp4, N.m4s
//	               |             |             |
//	           presentation: Flows, grid   ReadIndex, ranged GETs
//
// A presentation is what is known of one Flow and of those that it collects:
//
//	waiting    nothing of it can be played yet          503, try again
//	growing    Flows ingesting; what is contiguous from
//	           the start in all of them is listed       EVENT
//	complete   everything is listed, gaps are marked    VOD
//	gone       the Flow was deleted or discarded        410
package origin
