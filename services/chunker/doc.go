// Package chunker is layer 2 of ingest: it finds where a file can be split, and
// makes placeholder Flows.
//
// Its promise: the same job gives the same Flows and the same chunks, however often
// it is asked; the first plan that its owner takes is the one that holds. Flows
// exist in media-store, marked ingesting, before any chunk is handed out.
package chunker
