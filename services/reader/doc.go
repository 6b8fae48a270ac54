// Package reader is layer 3 of ingest: it reads one chunk of a file once, wraps its
// grains, uploads objects of them, and registers them.
//
// Its promise: what a chunk holds becomes visible all at once or not at all, and
// only once, however many readers tried. Its memory does not grow with the file: it
// holds one open object a track and a bounded number of objects on their way to the
// object store.
//
//	StartWork -> AllocateObjects -> read, wrap, upload ... -> RegisterSegments -> CompleteChunk
package reader
