// Package formats is what the three layers of ingest know of file formats: one
// interface, one registry, one folder a format below it.
//
// A format answers three questions, one a layer:
//
//	Probe  which Flows are in this file?           (analyser; head, tail and index)
//	Plan   where can it be split?                  (chunker; the index)
//	Read   which grains are in this chunk?         (reader; the chunk's bytes, once)
//
// The layers meet over the network: what Probe found ([Analysis]) goes to Plan, and
// each [Chunk] that Plan made goes to some Read on another machine. What a format
// needs to hand itself along travels in their State.
//
// A new format is one folder: implement [Format], pass formattest, add it to the
// list in formats/all.
package formats
