// Package windows takes windows of time out of ingested files, through the whole mesh,
// and holds them against the same range of the source: frames by their hashes, raw
// audio by its samples, AAC by its packets, H.264 by the bytes of its samples.
//
// Media rule 14 is why nothing here trusts an exit code: a window that begins at the
// wrong picture loses frames quietly.
package windows
