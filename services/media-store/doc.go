// Package mediastore keeps Sources, Flows and grains, and answers any window of
// their time. It is the one place where all media of Grainmesh meets: whatever
// ingests writes here, whatever plays, clips or transcodes reads here, and TAMS 8.2
// clients work with it unchanged.
//
// Its promises:
//
//   - Segments of a Flow do not overlap, whoever writes them at the same time.
//   - A piece of work is registered once; a repeat changes nothing.
//   - What a failed run wrote disappears at once, for every reader, and nothing of it
//     can come later.
//   - Bytes that a row refers to stay. Bytes that none refers to go, after a while.
//   - A tenant sees its own rows only.
//
// A Flow of a job:
//
//	PutFlows           EndFlows
//	-------> ingesting ---------> closed_complete
//	             | EndFlows(discard)      | DELETE (TAMS)
//	             +-------> deleted <------+     its row stays a while: 410
//
// Flows of TAMS clients have the status that the client gives them. A run of a job
// is open, then closed or discarded; nothing is taken in for a run that has ended.
//
// An object:
//
//	AllocateObjects, POST storage     RegisterSegments, POST segments
//	-----------> allocated -------------------> registered
//	                | never registered               | nothing refers to it
//	                +---------> condemned <----------+
//	                                | after the grace time
//	                                v
//	                               gone: bytes, then row
//
// Folders: store is the index in Postgres and the only place with SQL; tams is the
// REST surface; window cuts ranges of time out; collector clears away.
package mediastore
