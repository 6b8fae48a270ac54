// Package ingesting looks at Flows while their ingest runs: a source that holds back
// some of its bytes lets the tests see every step. What is there plays and can be taken
// out exactly, what is not is refused; and it looks at what is left of an ingest that
// fails.
package ingesting
