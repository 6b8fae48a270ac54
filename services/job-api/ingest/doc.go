// Package ingest is the domain of jobs of kind ingest: what a job is, and how it
// moves. Every move takes effect whole or not at all; the database refuses any that the
// drawing does not have.
//
//	            CreateJob
//	                |
//	                v        ReportAnalysis           ReportChunks (last)
//	+---------> ANALYSING -----------------> CHUNKING -----------------> READING
//	|             |  |                         |   \ (no chunks)            |  \
//	|      failed |  | cancelled               |    \          last chunk   |   \
//	|             |  |                         |     `----------> CLOSING <-'    \
//	|             |  |            failed,      |                     |           |
//	|             |  |            cancelled    v                     v           |
//	|             |  |                     DISCARDING            COMPLETED       |
//	|             |  |                      |      |  <---------------------------+
//	|             v  |                      v      v            failed, cancelled
//	|          FAILED <--------------------'    CANCELLED <-- (from ANALYSING too)
//	|             |                                 |
//	+-------------+--------- RetryJob (run + 1) ----+
//
// In ANALYSING nothing has been written to the store yet, so nothing is discarded.
// DISCARDING and CLOSING are work like any other (layer close): media-store is asked
// to end the run's Flows, and only then is the outcome told.
//
// A piece of work, a row each:
//
//	          StartWork (epoch + 1, attempts + 1)
//	WAITING -----------------------------------> RUNNING ----> DONE
//	   ^ ^                                        | |  |
//	   | +---------- FailWork, retryable ---------+ |  +--> DEAD      failed for good,
//	   |                                            |                 or too often
//	   +--(delivered again: StartWork while RUNNING: a new epoch; the old is refused)
//
//	any of the two first -> CANCELLED, with its job
//	WAITING -> DEAD, if the bound of attempts has come down meanwhile
//
// The chunks of a run are counted down under the job's row, so that exactly one
// report finds that it was the last.
package ingest
