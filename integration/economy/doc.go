// Package economy counts, at the server that files come from, what an ingest reads of
// them: an analysis the index and little more, all readers together each byte once.
// Its files are large and mostly not there: what is read of them is made on the spot.
package economy
