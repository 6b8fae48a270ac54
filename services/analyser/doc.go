// Package analyser is layer 1 of ingest: it reads part of a file and names the
// Flows in it.
//
// Its promise: it reads no more of a file than its index plus 1 MB, keeps nothing,
// and says of a bad file what is wrong with it. Which format a file has is told by
// its MIME type and checked against its first bytes.
package analyser
